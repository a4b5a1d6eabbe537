// Keys. The explorer has j and k while it has the focus, the anomalies otherwise.
const help = document.getElementById('keys');
document.getElementById('help')?.addEventListener('click', () => help.showModal());
const stepAnomaly = by => {
  const anomalies = all('.anomaly');
  if (!anomalies.length) return;
  const tops = anomalies.map(anomaly => anomaly.getBoundingClientRect().top);
  let place = by > 0 ? tops.findIndex(top => top > 80) : tops.findLastIndex(top => top < 20);
  if (place < 0) place = by > 0 ? anomalies.length - 1 : 0;
  anomalies[place].scrollIntoView({ block: 'start' });
  anomalies[place].focus({ preventScroll: true });
  history.replaceState(null, '', '#' + anomalies[place].id);
};
const walkAnomaly = by => {
  const anomaly = document.activeElement?.closest?.('.anomaly') || (pinned && pinned.closest('.anomaly')) || document.querySelector('.anomaly');
  // A cycle is there twice, for wide and for narrow screens, and one of them is not shown.
  const bars = anomaly ? all('.op[data-op]', anomaly).filter(bar => bar.getClientRects().length > 0) : [];
  if (!bars.length) return;
  const place = bars.findIndex(bar => bar === document.activeElement);
  const bar = bars[(place + by + bars.length) % bars.length];
  bar.focus({ preventScroll: true });
  show(bar);
};
// From operation to operation in the order they began, among those that match.
const walkOps = by => {
  const list = ops.filter(op => op.shown);
  if (!list.length) return;
  const place = view.pinned ? list.indexOf(view.pinned) : list.findIndex(op => op.began >= view.from) - (by > 0 ? 1 : 0);
  const op = list[Math.min(Math.max(place + by, 0), list.length - 1)];
  pin(op);
  reveal(op);
};
const stepStory = by => {
  if (!stories.length) return;
  const place = view.story ? stories.indexOf(view.story) + by : by > 0 ? 0 : stories.length - 1;
  tellStory(stories[(place + stories.length) % stories.length]);
  fillFields();
  moved();
};
const letGo = () => {
  if (view.pinned || pinned) {
    pinned = null;
    if (canvas) pin(null);
  } else if (canvas && (view.story || FILTERS.some(name => filter[name]))) document.getElementById('x-clear').click();
  for (const anomaly of all('.anomaly')) light(anomaly, null);
};
// To the explorer, and there to the anomaly that stands on the screen.
const explore = () => {
  if (!canvas) return;
  const anomaly = all('.anomaly').findLast(anomaly => anomaly.getBoundingClientRect().top < innerHeight / 2);
  tellStory(stories.find(story => anomaly && 'anomaly-' + story.id === anomaly.id));
  fillFields();
  explorer.scrollIntoView({ block: 'start' });
  canvas.focus({ preventScroll: true });
  moved();
};

addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
  const typing = event.target.closest?.('input, select, textarea');
  if (typing) { if (event.key === 'Escape') { typing.blur(); canvas?.focus({ preventScroll: true }); } return; }
  const inside = canvas && explorer.contains(document.activeElement);
  const everywhere = {
    n: () => inside ? stepStory(1) : stepAnomaly(1), p: () => inside ? stepStory(-1) : stepAnomaly(-1),
    j: () => inside ? walkOps(1) : walkAnomaly(1), k: () => inside ? walkOps(-1) : walkAnomaly(-1),
    e: explore, t: () => theme.click(), '?': () => help.showModal(), Escape: letGo,
    '/': () => { if (canvas) { explorer.scrollIntoView({ block: 'start' }); fields.text.focus({ preventScroll: true }); } },
  };
  const within = {
    ArrowLeft: () => pan(-0.15), ArrowRight: () => pan(0.15), ArrowUp: () => pan(0, -2), ArrowDown: () => pan(0, 2),
    '+': () => zoom(0.6), '=': () => zoom(0.6), '-': () => zoom(1 / 0.6), f: fit, Home: fit,
    Enter: () => { if (view.hovered) pin(view.hovered); }, y: () => document.getElementById('x-link').click(),
  };
  const action = everywhere[event.key] ?? (document.activeElement === canvas ? within[event.key] : null);
  if (action) { event.preventDefault(); action(); }
});
