// Draws the explorer. One frame looks at every operation once; thousands of them take a few milliseconds.
let ink = {};
const readColors = () => {
  const style = getComputedStyle(root);
  const names = ['page', 'panel', 'ink', 'soft', 'faint', 'line', 'ok', 'ok-wash', 'fail', 'fail-wash', 'unknown', 'unknown-wash', 'bad', 'bad-wash', 'band', 'link'];
  ink = Object.fromEntries(names.map(name => [name, style.getPropertyValue('--' + name).trim()]));
};
const FONT = '12px system-ui, "Segoe UI", Roboto, Arial, sans-serif';

const fitCanvas = element => {
  const ratio = Math.min(devicePixelRatio || 1, 2);
  const box = element.getBoundingClientRect();
  const [width, height] = [Math.round(box.width), Math.round(box.height)];
  if (element.width !== width * ratio || element.height !== height * ratio) {
    element.width = width * ratio;
    element.height = height * ratio;
  }
  const pen = element.getContext('2d');
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  return { pen, width, height, ratio };
};

const resize = () => {
  if (!canvas) return;
  const wanted = HEAD + FOOT + 20 + lanes.reduce((sum, lane) => sum + lane.rows, 0) * rowHeight();
  canvas.style.height = `${Math.round(Math.min(STAGE_MAX, Math.max(180, wanted)))}px`;
};

const draw = () => {
  resize();
  readColors();
  const stage = fitCanvas(canvas);
  size = stage;
  const pen = stage.pen;
  pen.font = FONT;
  pen.save();
  pen.beginPath();
  pen.rect(MARGIN, 0, size.width - MARGIN, size.height);
  pen.clip();
  drawFaults(pen);
  drawScale(pen);
  pen.beginPath();
  pen.rect(MARGIN, HEAD, size.width - MARGIN, roomForLanes());
  pen.clip();
  drawLanes(pen);
  drawBars(pen);
  drawOrder(pen);
  pen.restore();
  drawNames(pen);
  drawStates(pen);
  drawMini();
};

const drawFaults = pen => {
  const shown = [];
  for (const band of faultBands) {
    if (band.began > view.until || band.ended < view.from) continue;
    const x = Math.max(xOf(band.began), MARGIN);
    const width = Math.max(Math.min(xOf(band.ended), size.width) - x, 2);
    shown.push({ band, x, width });
    pen.globalAlpha = 0.12;
    pen.fillStyle = ink.band;
    pen.fillRect(x, 18, width, size.height - FOOT - 18);
    pen.globalAlpha = 0.35;
    pen.strokeStyle = ink.band;
    pen.beginPath();
    for (let at = x; at + 6 < x + width; at += 12) { pen.moveTo(at, 36); pen.lineTo(at + 6, 30); }
    pen.stroke();
    pen.globalAlpha = 1;
    pen.fillRect(x, 36, width, 3);
  }
  nameFaults(pen, shown);
};

// Faults overlap, their names must not: a name ends where the next band begins, and begins where the last name ends.
const nameFaults = (pen, shown) => {
  shown.sort((one, other) => one.x - other.x);
  pen.fillStyle = ink.ink;
  let free = MARGIN;
  for (const [place, { band, x, width }] of shown.entries()) {
    const start = Math.max(x, free);
    let next = place + 1;
    while (next < shown.length && shown[next].x <= start) next += 1;
    const room = Math.min(x + width, shown[next]?.x ?? size.width) - start;
    if (room <= 46) continue;
    const name = cutText(pen, `${band.family}: ${band.text}`, room - 8);
    pen.fillText(name, start + 4, 29, room - 4);
    free = start + 8 + Math.min(pen.measureText(name).width, room - 4);
  }
};

const cutText = (pen, text, width) => {
  const letters = Math.floor(width / 6.1);
  return text.length <= letters ? text : letters < 2 ? '' : text.slice(0, letters - 1) + '…';
};

const steps = [1, 2, 5];
const drawScale = pen => {
  const wanted = (view.until - view.from) / Math.max(2, (size.width - MARGIN) / 120);
  let step = 1;
  for (let power = 1; step < wanted; power *= 10) for (const factor of steps) if ((step = factor * power) >= wanted) break;
  const digits = Math.max(0, Math.min(9, 9 - Math.floor(Math.log10(step))));
  pen.strokeStyle = ink.line;
  pen.fillStyle = ink.soft;
  pen.lineWidth = 1;
  for (let at = Math.ceil(view.from / step) * step; at <= view.until; at += step) {
    const x = Math.round(xOf(at)) + 0.5;
    pen.beginPath(); pen.moveTo(x, 14); pen.lineTo(x, size.height - FOOT); pen.stroke();
    pen.fillText(when(at, digits), x + 3, 12);
  }
};

// Behind the lanes of nodes: how many operations ended when, counted from the whole history.
const drawLanes = pen => {
  const height = rowHeight();
  for (const lane of lanes) {
    const [y, tall] = [yOf(lane.first), lane.rows * height];
    if (y > size.height || y + tall < HEAD) continue;
    pen.strokeStyle = ink.line;
    pen.beginPath(); pen.moveTo(MARGIN, y + tall - 0.5); pen.lineTo(size.width, y + tall - 0.5); pen.stroke();
    const density = view.lanes === 'node' && tape.stride > 1 && tape.density.find(one => one.node === lane.id);
    if (!density) continue;
    const most = Math.max(1, ...density.ok);
    const first = Math.max(0, Math.floor((view.from - whole.from) / tape.bin));
    const last = Math.min(density.ok.length - 1, Math.ceil((view.until - whole.from) / tape.bin));
    const wide = tape.bin * scale() + 0.5;
    pen.fillStyle = ink.ok;
    for (let bin = first; bin <= last; bin += 1) {
      if (!density.ok[bin]) continue;
      pen.globalAlpha = 0.06 + 0.16 * density.ok[bin] / most;
      pen.fillRect(xOf(whole.from + bin * tape.bin), y, wide, tall);
    }
    pen.globalAlpha = 1;
  }
};

// More bars than anybody could read: narrow ones of a kind become one shape, and the open ends of a row one shade.
const CROWD = 500;
const drawCrowd = (pen, crowd, height) => {
  const shapes = Object.fromEntries(OUTCOMES.map(outcome => [outcome, new Path2D()]));
  const open = new Map();
  const wide = [];
  for (const op of crowd) {
    const [x, y] = [xOf(op.began), yOf(op.row) + 2];
    if (op.outcome === 'unknown') {
      open.set(y, Math.min(open.get(y) ?? Infinity, x));
      shapes.unknown.rect(x, y, 2, height);
      continue;
    }
    const width = xOf(op.ended) - x;
    if (width > 10) wide.push(op);
    else shapes[op.outcome].rect(x, op.outcome === 'fail' ? y + height / 3 : y, Math.max(width - 0.5, 1), op.outcome === 'fail' ? height / 3 : height);
  }
  pen.globalAlpha = 0.22;
  pen.fillStyle = ink.unknown;
  for (const [y, x] of open) pen.fillRect(Math.max(x, MARGIN), y, size.width - Math.max(x, MARGIN), height);
  pen.globalAlpha = view.story ? 0.45 : 0.85;
  for (const outcome of OUTCOMES) { pen.fillStyle = ink[outcome]; pen.fill(shapes[outcome]); }
  pen.globalAlpha = 1;
  for (const op of wide) drawBar(pen, op, yOf(op.row) + 2, height, view.story ? 0.45 : 1);
};

const witnesses = () => new Set(view.story ? view.story.witness : []);
const drawBars = pen => {
  const height = rowHeight();
  const bar = height - 4;
  const proof = witnesses();
  const culprit = view.story?.culprit ?? null;
  const places = new Map((view.story?.order ?? []).filter(step => !step[2]).map((step, place) => [step[0], place + 1]));
  const [top, bottom] = [HEAD - height, size.height];
  const [special, plain] = [[], []];
  for (const op of ops) {
    if (!op.shown || op.began > view.until || op.ended < view.from) continue;
    const y = yOf(op.row) + 2;
    if (y < top || y > bottom) continue;
    const matters = op === view.pinned || op === view.hovered || proof.has(op.index) || op.index === culprit;
    (matters ? special : plain).push(op);
  }
  const alpha = op => view.story && !places.has(op.index) ? 0.45 : 1;
  if (plain.length > CROWD) drawCrowd(pen, plain, bar);
  else for (const op of plain) drawBar(pen, op, yOf(op.row) + 2, bar, alpha(op));
  // What matters is drawn last, so that nothing covers it.
  for (const op of special) {
    const y = yOf(op.row) + 2;
    drawBar(pen, op, y, bar, 1, { culprit: op.index === culprit, proof: proof.has(op.index), lit: op === view.pinned || op === view.hovered });
  }
  pen.fillStyle = ink.soft;
  for (const [index, place] of places) {
    const op = byIndex.get(index);
    if (op?.shown) pen.fillText(String(place), xOf(Math.min(op.ended, view.until)) + 3, yOf(op.row) + 11);
  }
};

const drawBar = (pen, op, y, height, alpha, role = {}) => {
  const x = xOf(op.began);
  const end = Number.isFinite(op.ended) ? xOf(op.ended) : size.width + 4;
  const width = Math.max(end - x, 2);
  pen.globalAlpha = alpha;
  if (op.outcome === 'unknown') {
    const fade = pen.createLinearGradient(x, 0, Math.max(size.width, x + 1), 0);
    fade.addColorStop(0, ink.unknown);
    fade.addColorStop(1, 'transparent');
    pen.globalAlpha = alpha * 0.32;
    pen.fillStyle = fade;
    pen.fillRect(x, y, width, height);
    pen.globalAlpha = alpha;
  } else {
    pen.fillStyle = role.culprit ? ink['bad-wash'] : ink[op.outcome + '-wash'];
    pen.fillRect(x, y, width, height);
  }
  pen.lineWidth = role.culprit || role.lit ? 2.4 : 1;
  pen.strokeStyle = role.culprit ? ink.bad : ink[op.outcome];
  if (op.outcome !== 'ok' && width > 6) pen.setLineDash([4, 3]);
  pen.strokeRect(x, y, width, height);
  pen.setLineDash([]);
  if (role.proof || role.lit) { pen.lineWidth = 1.4; pen.strokeStyle = role.lit ? ink.link : ink.bad; pen.strokeRect(x - 2.5, y - 2.5, width + 5, height + 5); }
  if (width > 26 && height > 9) {
    const sign = role.culprit ? '✗ ' : op.outcome === 'fail' ? '✗ ' : op.outcome === 'unknown' ? '? ' : '';
    const told = op.call ? sign + op.call + (op.outcome === 'ok' && op.answer ? ' → ' + op.answer : '') : `${sign}#${op.index}`;
    pen.fillStyle = ink.ink;
    const from = Math.max(x, MARGIN);
    pen.fillText(cutText(pen, told, Math.min(end, size.width) - from - 8), from + 4, y + height / 2 + 4);
  }
  pen.globalAlpha = 1;
};
