// Runs in the page after its own script: drives it by events and writes down what came of it. Everything is judged
// by what a person would notice: the address, the words, the fields, the pixels.
(async () => {
  const rest = millis => new Promise(done => setTimeout(done, millis));
  const until = async condition => { for (let tries = 0; tries < 200 && !condition(); tries += 1) await rest(25); return condition(); };
  const get = id => document.getElementById(id);
  const press = (key, target = document.activeElement) => target.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
  const hash = () => new URLSearchParams(location.hash.replace(/^#explore&?/, ''));
  const settle = () => rest(400);
  const data = JSON.parse(get('data').textContent);
  const map = get('map');
  const box = () => map.getBoundingClientRect();
  const point = (type, x, y, more = {}) => map.dispatchEvent(new PointerEvent(type, { clientX: box().left + x, clientY: box().top + y, pointerId: 1, bubbles: true, ...more }));
  const fill = async (id, value) => { get(id).value = value; get(id).dispatchEvent(new Event('input', { bubbles: true })); await settle(); };
  const matches = () => Number((get('x-count').textContent.match(/([\d,]+) match/) ?? [, '-1'])[1].replace(/,/g, ''));
  const span = () => Number(hash().get('until')) - Number(hash().get('from'));

  // The names of fault bands, as they were last drawn on the map, with their ends.
  let bands = [];
  const pen = CanvasRenderingContext2D.prototype;
  const [clear, write] = [pen.clearRect, pen.fillText];
  pen.clearRect = function (...box) { if (this.canvas === map) bands = []; clear.apply(this, box); };
  pen.fillText = function (text, x, y, ...most) {
    if (this.canvas === map && y === 29) bands.push([x, x + Math.min(this.measureText(text).width, most[0] ?? Infinity), text]);
    write.call(this, text, x, y, ...most);
  };

  try {
    await settle();
    // Frames are drawn in real time, which on a busy machine is later than a virtual clock says.
    const pixels = () => map.getContext('2d').getImageData(0, 0, map.width, map.height).data;
    const isDrawn = () => pixels().some((value, place) => place % 4 === 3 && value > 0);
    check('the picture is drawn', await until(isDrawn), map.width);
    check('the page is no wider than the screen', document.documentElement.scrollWidth <= innerWidth + 1, `${document.documentElement.scrollWidth} > ${innerWidth}`);
    check('nothing of the database became an element', document.images.length === 0 && document.scripts.length === 3 && !window.hacked, document.scripts.length);

    map.scrollIntoView();
    map.focus();
    press('f'); await until(() => bands.length > 0);
    const crossed = bands.find((one, place) => bands.some((other, elsewhere) => elsewhere !== place && one[0] < other[1] && other[0] < one[1]));
    check('faults are named, and no name covers another', bands.length > 0 && !crossed, JSON.stringify(bands));
    press('+'); await settle();
    const first = span();
    check('plus zooms in', first > 0 && first < data.span[1] - data.span[0], location.hash);
    map.dispatchEvent(new WheelEvent('wheel', { deltaY: -60, clientX: box().left + 500, clientY: box().top + 100, bubbles: true, cancelable: true }));
    await settle();
    check('the wheel zooms in', span() < first, `${span()} of ${first}`);
    let from = Number(hash().get('from'));
    press('ArrowRight'); await settle();
    check('an arrow key pans', Number(hash().get('from')) > from, location.hash);
    from = Number(hash().get('from'));
    point('pointerdown', 200, 120); point('pointermove', 320, 120); point('pointerup', 320, 120); await settle();
    const isPanned = () => Number(hash().get('from')) < from && !hash().get('op');
    check('a drag pans', await until(isPanned), location.hash);
    const mini = get('mini').getBoundingClientRect();
    get('mini').dispatchEvent(new PointerEvent('pointerdown', { clientX: mini.left + mini.width * 0.9, clientY: mini.top + 9, bubbles: true }));
    await settle();
    check('the small picture moves the frame', Number(hash().get('until')) > data.span[0] + (data.span[1] - data.span[0]) * 0.85, location.hash);
    press('f', map); await settle();
    check('f shows all', !hash().get('from'), location.hash);

    for (const [id, value, keeps] of [
      ['f-outcome', 'unknown', mark => mark[4] === 'unknown'],
      ['f-node', data.nodes[1], mark => mark[2] === 1],
      ['f-key', data.keys[0], mark => mark[9].includes(0)],
      ['f-process', 'p3', mark => mark[1] === 3],
      ['f-call', data.kinds[0], mark => mark[3] === 0],
      ['f-text', 'refused', mark => `${mark[7]} ${mark[8]}`.includes('refused')],
    ]) {
      await fill(id, value);
      const expected = data.marks.filter(keeps).length;
      check(`filter ${id}`, expected > 0 && matches() === expected && location.hash.includes(id.slice(2) + '='), `${matches()} of ${expected} ${location.hash}`);
      await fill(id, '');
    }
    await fill('f-fault', data.faults[0][0]);
    check('filter f-fault', matches() > 0 && matches() < data.marks.length, matches());
    const lanes = get('f-lanes').value;
    const others = lanes === 'node' ? 'process' : 'node';
    await fill('f-lanes', others);
    check('lanes can be chosen', hash().get('lanes') === others, location.hash);
    press('Escape', document.body); press('Escape', document.body); await settle();
    check('Escape forgets the filter', matches() === data.marks.length, matches());
    await fill('f-lanes', lanes);
    press('/', document.body);
    check('slash goes to the text', document.activeElement === get('f-text'));
    press('Escape'); map.focus();

    press('j'); await settle();
    const one = hash().get('op');
    check('j pins and tells an operation', one !== null && get('x-told').textContent.startsWith(`#${one} `), get('x-told').textContent);
    const centre = data.marks.find(mark => String(mark[0]) === one)[5];
    press('+', map); press('+', map); press('+', map); await settle();
    check('keys zoom round what is pinned', centre >= Number(hash().get('from')) && centre <= Number(hash().get('until')), location.hash);
    press('j', map); press('k', map); await settle();
    check('j and k go there and back', hash().get('op') === one, location.hash);
    press('Escape', map); await settle();
    check('Escape lets go', hash().get('op') === null, location.hash);

    press('n', map); await settle();
    const story = data.stories[0];
    check('n shows the anomaly', hash().get('anomaly') === '1', location.hash);
    let found = null;
    for (let y = 44; y < box().height && !found; y += 5) for (let x = 106; x < box().width && !found; x += 3) {
      point('pointermove', x, y);
      if (get('x-told').textContent.startsWith(`#${story.culprit} `)) found = [x, y];
    }
    check('the culprit is found under the pointer', found, story.culprit);
    if (found) {
      check('its reason is told', get('x-told').textContent.includes('Cannot be placed'), get('x-told').textContent);
      point('pointerdown', ...found); point('pointerup', ...found); await settle();
      check('a click pins', hash().get('op') === String(story.culprit), location.hash);
      check('the pin lights its bar above', document.querySelector(`.anomaly .op.lit[data-op="${story.culprit}"]`));
    }
    const link = `#explore&from=${data.span[0] + 1e9}&until=${data.span[0] + 3e9}&outcome=ok&op=${data.marks[7][0]}`;
    location.hash = link;
    await until(() => get('f-outcome').value === 'ok');
    await settle();
    check('a link is followed', get('f-outcome').value === 'ok' && get('x-told').textContent.startsWith(`#${data.marks[7][0]} `), get('x-told').textContent);
    check('a link leads to its stretch of time', get('x-count').textContent.endsWith(`${(data.span[0] / 1e9 + 1).toFixed(6)} s to ${(data.span[0] / 1e9 + 3).toFixed(6)} s`), get('x-count').textContent);
    get('x-clear').click(); await settle();

    get('x-list').open = true; get('x-list').dispatchEvent(new Event('toggle')); await settle();
    check('the operations are listed as a table', get('x-list').querySelectorAll('tbody tr').length > 5);

    document.activeElement.blur();
    press('?', document.body);
    check('a question mark shows the keys', get('keys').open);
    get('keys').close();
    scrollTo({ top: 0, behavior: 'instant' });
    press('n', document.body);
    check('n goes to the anomaly', document.activeElement.id === 'anomaly-1', document.activeElement.id);
    press('j'); await settle();
    check('j goes to an operation of it', document.activeElement.matches('.anomaly .op'), document.activeElement.tagName);
    const anomaly = get('anomaly-1');
    const mention = anomaly.querySelector('.sentence a[data-op]');
    if (mention) {
      mention.dispatchEvent(new MouseEvent('mouseover', { bubbles: true }));
      const lit = anomaly.querySelectorAll(`.lit[data-op="${mention.dataset.op}"]`);
      check('pointing at a word lights its bar and its row', lit.length >= 3, lit.length);
    }
    const before = document.documentElement.dataset.theme;
    press('t', document.body);
    check('t changes the theme', document.documentElement.dataset.theme !== before);
    const named = [...document.querySelectorAll('button, input, select, canvas, [role=region], [role=application]')];
    const nameless = named.filter(one => !(one.textContent.trim() || one.getAttribute('aria-label') || one.closest('label')));
    check('everything that can be used has a name', nameless.length === 0, nameless.map(one => one.outerHTML).join(' '));
    const cycles = [...document.querySelectorAll('.picture')].filter(picture => picture.querySelector('svg.cycle'));
    const shown = cycles.filter(picture => picture.getClientRects().length > 0);
    if (cycles.length > 0) {
      check('a cycle is drawn once at this width', shown.length === cycles.length / 2, `${shown.length} of ${cycles.length}`);
      const least = Math.min(...shown.map(picture => picture.clientWidth - picture.querySelector('svg').getBoundingClientRect().width));
      check('a cycle needs no scrolling on a narrow screen', innerWidth > 640 || least >= 0, least);
    }
    // As on paper: the rules for print made the rules for all.
    const all = selector => [...document.querySelectorAll(selector)];
    const rules = [...document.styleSheets].flatMap(sheet => [...sheet.cssRules]);
    for (const rule of rules.filter(rule => rule.media?.mediaText === 'print')) rule.media.mediaText = 'all';
    const onPaper = all('.picture').filter(picture => picture.querySelector('.lanes'));
    const middle = one => { const { top, bottom } = one.getBoundingClientRect(); return (top + bottom) / 2; };
    const crooked = onPaper.flatMap(picture => {
      const [names, lines] = ['.lanes text', '.ops line.lane'].map(parts => [...picture.querySelectorAll(parts)]);
      return names.map((name, place) => Math.abs(middle(name) - middle(lines[place]))).filter(off => !(off < 6));
    });
    check('on paper each lane stays beside its name', onPaper.length > 0 && crooked.length === 0, crooked);
    const cut = all('.picture > svg').filter(svg => svg.getBoundingClientRect().right > innerWidth + 1);
    const wide = all('.scroll').filter(part => part.scrollWidth > part.clientWidth + 1);
    check('on paper no table is cut off', innerWidth < 700 || wide.length === 0, wide.map(part => part.textContent.slice(0, 60)).join(' | '));
    check('on paper no picture is cut off', cut.length === 0, cut.length);
  } catch (error) {
    failed(error);
  }
  tell();
})();
