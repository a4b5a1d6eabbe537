// The anomalies: bar, row, mention and arrow of one operation light up together.
// One operation is one thing wherever it is shown: bar, row and mention light up together.
let pinned = null;
const light = (anomaly, op) => {
  for (const element of all('.lit', anomaly)) element.classList.remove('lit');
  const told = anomaly.querySelector('.told');
  if (op === null) { if (told) told.textContent = told.dataset.idle; return; }
  for (const element of all('[data-op]', anomaly)) {
    if (op === '*' ? element.closest('.sentence') || element.matches('.proof, .culprit, tr') : element.dataset.op === op) {
      element.classList.add('lit');
    }
  }
  const bar = op === '*' ? null : anomaly.querySelector(`.op[data-op="${op}"]`);
  if (told) told.textContent = bar ? bar.getAttribute('aria-label') : told.dataset.idle;
};
for (const anomaly of all('.anomaly')) {
  const enter = event => {
    const target = event.target.closest('[data-op]');
    if (target) light(anomaly, target.dataset.op);
  };
  const leave = () => light(anomaly, pinned && anomaly.contains(pinned) ? pinned.dataset.op : null);
  anomaly.addEventListener('mouseover', enter);
  anomaly.addEventListener('focusin', enter);
  anomaly.addEventListener('mouseout', leave);
  anomaly.addEventListener('focusout', leave);
  // An arrow of a cycle and its reason are one thing as well, and both ends belong to it.
  const reason = event => {
    const place = event.target.closest('[data-link]')?.dataset.link;
    for (const element of all('[data-link]', anomaly)) element.classList.toggle('lit', element.dataset.link === place);
    const arrow = place && anomaly.querySelector(`.link[data-link="${place}"]`);
    if (!arrow || event.target.closest('[data-op]')) return;
    const ends = [arrow.dataset.from, arrow.dataset.to];
    for (const element of all('[data-op]', anomaly)) element.classList.toggle('lit', ends.includes(element.dataset.op));
  };
  anomaly.addEventListener('mouseover', reason);
  anomaly.addEventListener('focusin', reason);
  const sentence = anomaly.querySelector('.sentence');
  sentence?.addEventListener('mouseenter', () => light(anomaly, '*'));
  // A click on a bar pins it instead of jumping away; the same link without a script leads to its row.
  for (const bar of all('.op[data-op]', anomaly)) {
    bar.addEventListener('click', event => {
      event.preventDefault();
      pinned = pinned === bar ? null : bar;
      history.replaceState(null, '', pinned ? (bar.id ? '#' + bar.id : bar.getAttribute('href')) : '#' + anomaly.id);
      light(anomaly, bar.dataset.op);
    });
  }
  for (const row of all('tr[data-op] a[href]', anomaly)) {
    row.addEventListener('click', event => {
      const bar = document.getElementById(row.hash.slice(1));
      if (!bar) return;
      event.preventDefault();
      pinned = bar;
      history.replaceState(null, '', row.hash);
      show(bar);
      light(anomaly, bar.dataset.op);
    });
  }
}

// The picture is scrolled to the operation that matters.
const show = bar => {
  const picture = bar.closest('.picture');
  const box = picture.getBoundingClientRect();
  const at = bar.querySelector('rect').getBoundingClientRect();
  picture.scrollLeft += at.left + at.width / 2 - box.left - 104 - (box.width - 104) / 2;
  if (at.top < 60 || at.bottom > innerHeight) bar.closest('.anomaly').scrollIntoView({ block: 'start' });
};
for (const bar of all('.picture .op.culprit')) {
  const picture = bar.closest('.picture');
  if (picture.scrollWidth > picture.clientWidth + 4) {
    const box = picture.getBoundingClientRect();
    const at = bar.querySelector('rect').getBoundingClientRect();
    picture.scrollLeft += at.left + at.width / 2 - box.left - 104 - (box.width - 104) / 2;
  }
}
const named = location.hash.match(/^#a\d+-op\d+$/) && document.getElementById(location.hash.slice(1));
if (named) { pinned = named; show(named); light(named.closest('.anomaly'), named.dataset.op); }
