// The order that was tried, the states along it, the names of lanes, the small picture, and everything in words.

// A moment for each step of the order within its operation, never before the step ahead of it.
const pointsOfOrder = () => {
  let at = -Infinity;
  const points = [];
  for (const [index, state, refusal] of view.story?.order ?? []) {
    const op = byIndex.get(index);
    if (!op) continue;
    at = Math.max(at, op.began);
    points.push({ op, at: Math.min(at, op.ended), state, refusal });
  }
  return points;
};
const drawOrder = pen => {
  const points = pointsOfOrder().filter(point => point.op.shown);
  if (!points.length) return;
  const middle = point => yOf(point.op.row) + rowHeight() / 2;
  pen.strokeStyle = ink.ink;
  pen.lineWidth = 1.2;
  pen.setLineDash([2, 3]);
  pen.beginPath();
  for (const point of points.filter(point => !point.refusal)) pen.lineTo(xOf(point.at), middle(point));
  pen.stroke();
  pen.setLineDash([]);
  for (const point of points) {
    pen.fillStyle = point.refusal ? ink.bad : ink.ink;
    pen.beginPath(); pen.arc(xOf(point.at), middle(point), 3, 0, 7); pen.fill();
  }
};
// Each state from the step that made it to the next, below the lanes.
const drawStates = pen => {
  const points = pointsOfOrder();
  if (!points.length) return;
  const y = size.height - FOOT;
  pen.fillStyle = ink.panel;
  pen.fillRect(0, y - 20, size.width, 40);
  pen.fillStyle = ink.soft;
  pen.fillText('state', 10, y - 5);
  points.forEach((point, place) => {
    const x = Math.max(xOf(point.at), MARGIN);
    const until = Math.min(place + 1 < points.length ? xOf(points[place + 1].at) : size.width, size.width);
    if (until <= MARGIN || x >= size.width) return;
    const lit = point.op === view.hovered || point.op === view.pinned;
    pen.fillStyle = point.refusal ? ink['bad-wash'] : ink['ok-wash'];
    pen.fillRect(x, y - 18, Math.max(until - x - 1, 1), 17);
    if (lit || point.refusal) { pen.strokeStyle = point.refusal ? ink.bad : ink.link; pen.lineWidth = lit ? 2 : 1; pen.strokeRect(x, y - 18, Math.max(until - x - 1, 1), 17); }
    pen.fillStyle = ink.ink;
    pen.fillText(cutText(pen, point.refusal ? '✗ ' + point.refusal : point.state ?? '', until - x - 6), x + 3, y - 5);
  });
};

const drawNames = pen => {
  pen.fillStyle = ink.panel;
  pen.fillRect(0, 0, MARGIN - 1, size.height);
  const height = rowHeight();
  pen.save();
  pen.beginPath();
  pen.rect(0, HEAD, MARGIN, roomForLanes());
  pen.clip();
  for (const lane of lanes) {
    const y = yOf(lane.first);
    if (y > size.height || y + lane.rows * height < HEAD) continue;
    pen.fillStyle = ink.ink;
    pen.fillText(cutText(pen, lane.name, 52), 8, y + height / 2 + 4);
    if (view.lanes === 'node' || MARGIN < 100) continue;
    pen.fillStyle = ink.soft;
    pen.fillText(cutText(pen, tape.nodes[lane.node] ?? '', 40), 62, y + height / 2 + 4);
  }
  pen.restore();
  pen.strokeStyle = ink.line;
  pen.lineWidth = 1;
  pen.beginPath(); pen.moveTo(MARGIN - 0.5, 0); pen.lineTo(MARGIN - 0.5, size.height); pen.stroke();
};

const drawMini = () => {
  if (!mini) return;
  const { pen, width, height } = fitCanvas(mini);
  const x = at => (at - whole.from) / (whole.until - whole.from) * width;
  const sums = [];
  for (const one of tape.density) one.ok.forEach((_, bin) => {
    const sum = sums[bin] ??= [0, 0];
    sum[0] += one.ok[bin];
    sum[1] += one.fail[bin] + one.unknown[bin];
  });
  const most = Math.max(1, ...sums.map(sum => sum[0] + sum[1]));
  const wide = Math.max(x(whole.from + tape.bin), 1);
  sums.forEach((sum, bin) => {
    const [ok, not] = sum.map(part => part / most * (height - 8));
    pen.fillStyle = ink.ok; pen.fillRect(bin * wide, height - ok, wide, ok);
    pen.fillStyle = ink.fail; pen.fillRect(bin * wide, height - ok - not, wide, not);
  });
  pen.fillStyle = ink.band;
  for (const band of faultBands) pen.fillRect(x(band.began), 0, Math.max(x(Math.min(band.ended, whole.until)) - x(band.began), 1), 4);
  pen.fillStyle = ink.bad;
  for (const story of stories) {
    const op = byIndex.get(story.culprit ?? story.witness[0]);
    if (op) { pen.fillRect(x(op.began) - 1, 0, 2, height); }
  }
  pen.strokeStyle = ink.ink;
  pen.lineWidth = 2;
  pen.strokeRect(x(view.from) + 1, 1, Math.max(x(view.until) - x(view.from) - 2, 3), height - 2);
};

// One operation in words: the same words that its bar in an anomaly has.
const describe = op => {
  const node = tape.nodes[op.node] ? ` on ${tape.nodes[op.node]}` : '';
  const took = op.took === null ? 'never ended' : op.outcome === 'unknown' ? `the client gave up after ${tell(op.took)}` : `took ${tell(op.took)}`;
  const what = op.call ? `${op.call} → ${op.outcome}: ${op.answer}` : `${tape.kinds[op.kind]} → ${op.outcome} (its words are in the history)`;
  const during = faultBands.filter(band => meets(op, band)).slice(0, 3).map(band => band.family);
  const step = view.story?.order.find(step => step[0] === op.index);
  const why = step?.[2] ? ` Cannot be placed: ${step[2]}.` : step?.[1] ? ` State after it: ${step[1]}.` : '';
  return `#${op.index} p${op.process}${node}: ${what}; began ${when(op.began)}, ${took}${during.length ? '; during ' + during.join(', ') : ''}.${why}`;
};
const toldLine = document.getElementById('x-told');
const sayOp = op => { if (toldLine) toldLine.textContent = op ? describe(op) : 'Point at an operation, or reach it with j and k.'; };

const visibleOps = () => ops.filter(op => op.shown && op.began <= view.until && op.gaveUp >= view.from);
const countLine = document.getElementById('x-count');
const listBox = document.getElementById('x-list');
const TABLE_MAX = 60;
let counted = 0;
const count = () => {
  if (!countLine) return;
  clearTimeout(counted);
  counted = setTimeout(() => {
    const inView = visibleOps();
    countLine.textContent = `${group(inView.length)} in view, ${group(matching)} match, ${group(ops.length)} shown of ${group(tape.total)}; ${when(view.from)} to ${when(view.until)}`;
    if (listBox?.open) fillTable(inView);
  }, 80);
};
const fillTable = inView => {
  const body = listBox.querySelector('tbody');
  body.replaceChildren(...inView.slice(0, TABLE_MAX).map(op => {
    const row = document.createElement('tr');
    const link = document.createElement('a');
    link.href = '#op-' + op.index;
    link.textContent = '#' + op.index;
    const texts = [link, `p${op.process} ${tape.nodes[op.node] ?? ''}`, op.call, `${op.outcome} ${op.answer}`, when(op.began), op.took === null ? '–' : tell(op.took)];
    row.append(...texts.map(text => { const cell = document.createElement('td'); cell.append(text); return cell; }));
    return row;
  }));
};
listBox?.addEventListener('toggle', () => count());
