// What part of the run is shown, and on which lane each operation stands.
const canvas = document.getElementById('map');
const mini = document.getElementById('mini');
const explorer = canvas?.closest('.explorer') ?? null;
const MARGIN = innerWidth < 640 ? 60 : 104;
const HEAD = 40;
const FOOT = 22;
const ROW_MIN = 14;
const ROW_MAX = 26;
const STAGE_MAX = 520;
const SPAN_MIN = 200;

const whole = tape ? { from: tape.span[0], until: Math.max(tape.span[1], tape.span[0] + SPAN_MIN) } : { from: 0, until: 1 };
// Where sessions were opened anew again and again there are too many processes for a first look.
const USUAL_LANES = new Set(ops.map(op => op.process)).size > 24 ? 'node' : 'process';
const view = { from: whole.from, until: whole.until, top: 0, lanes: USUAL_LANES, pinned: null, hovered: null, story: null };
let lanes = [];
let size = { width: 0, height: 0, ratio: 1 };

const scale = () => (size.width - MARGIN) / (view.until - view.from);
const xOf = at => MARGIN + (at - view.from) * scale();
const timeOf = x => view.from + (x - MARGIN) / scale();
const rowHeight = () => {
  const rows = lanes.reduce((sum, lane) => sum + lane.rows, 0) || 1;
  return Math.min(ROW_MAX, Math.max(ROW_MIN, (STAGE_MAX - HEAD - FOOT) / rows));
};
const roomForLanes = () => size.height - HEAD - (view.story?.order.length ? FOOT + 20 : FOOT);
const heightOfLanes = () => lanes.reduce((sum, lane) => sum + lane.rows, 0) * rowHeight();

const storyOps = story => story ? [...story.witness, story.culprit, ...story.order.map(step => step[0])] : [];

// Bars of one node overlap, so a lane of a node has as many rows as operations were under way at once, within reason.
const ROWS_MAX = 8;
const layOut = () => {
  const found = new Map();
  for (const op of ops) {
    if (!op.shown) continue;
    const id = view.lanes === 'node' ? op.node : op.process;
    if (!found.has(id)) found.set(id, { id, node: op.node, rows: 1, ends: [], ops: [] });
    const lane = found.get(id);
    let row = 0;
    if (view.lanes === 'node') {
      row = lane.ends.findIndex(end => end <= op.began);
      if (row < 0) row = lane.ends.length < ROWS_MAX ? lane.ends.length : op.index % ROWS_MAX;
      lane.ends[row] = Math.max(op.gaveUp, op.began);
      lane.rows = Math.max(lane.rows, row + 1);
    }
    op.row = row;
    lane.ops.push(op);
  }
  // The lanes of the anomaly that is shown come first.
  const story = new Set();
  for (const index of storyOps(view.story)) {
    const op = byIndex.get(index);
    if (op) story.add(view.lanes === 'node' ? op.node : op.process);
  }
  lanes = [...found.values()].sort((one, other) => story.has(other.id) - story.has(one.id) || one.id - other.id);
  let row = 0;
  for (const lane of lanes) {
    lane.first = row;
    lane.name = view.lanes === 'node' ? tape.nodes[lane.id] ?? `node ${lane.id}` : `p${lane.id}`;
    for (const op of lane.ops) { op.lane = lane; op.row += row; }
    row += lane.rows;
  }
};
const yOf = row => HEAD + row * rowHeight() - view.top;

const clampView = () => {
  const span = Math.min(Math.max(view.until - view.from, SPAN_MIN), whole.until - whole.from);
  view.from = Math.min(Math.max(view.from, whole.from), whole.until - span);
  view.until = view.from + span;
  view.top = Math.min(Math.max(view.top, 0), Math.max(0, heightOfLanes() - roomForLanes()));
};
// Without a pointer, what is pinned and in view stays where it is.
const middle = () => {
  const { pinned } = view;
  const isSeen = pinned && pinned.began >= view.from && pinned.began <= view.until;
  return isSeen ? pinned.began : (view.from + view.until) / 2;
};
const zoom = (factor, at = middle()) => {
  const span = Math.min(Math.max((view.until - view.from) * factor, SPAN_MIN), whole.until - whole.from);
  const share = (at - view.from) / (view.until - view.from);
  view.from = at - share * span;
  view.until = view.from + span;
  moved();
};
const pan = (share, rows = 0) => {
  const by = share * (view.until - view.from);
  view.from += by;
  view.until += by;
  view.top += rows * rowHeight();
  moved();
};
const fit = () => { view.from = whole.from; view.until = whole.until; view.top = 0; moved(); };
// Brings these operations into view with some room around them.
const showOps = list => {
  const known = list.filter(Boolean);
  if (!known.length) return;
  const from = Math.min(...known.map(op => op.began));
  const until = Math.max(...known.map(op => Number.isFinite(op.ended) ? op.ended : op.began));
  const room = Math.max((until - from) * 0.25, 50_000);
  view.from = from - room;
  view.until = until + room;
  view.top = 0;
  reveal(known[known.length - 1]);
};
// Scrolls the lanes, and the time where it must, until the operation can be seen.
const reveal = op => {
  if (op.began < view.from || op.began > view.until) {
    const span = view.until - view.from;
    view.from = op.began - span / 3;
    view.until = view.from + span;
  }
  const y = op.row * rowHeight();
  if (y < view.top || y + rowHeight() > view.top + roomForLanes()) view.top = y - roomForLanes() / 2;
  moved();
};

// Everything that changes the view ends here: it is drawn in the next frame, once, and remembered in the address.
let due = false;
const redraw = () => {
  if (due || !canvas) return;
  due = true;
  requestAnimationFrame(() => { due = false; draw(); });
};
const moved = () => { clampView(); redraw(); count(); remember(); };
const sifted = () => { sift(); layOut(); clampView(); redraw(); count(); remember(); };
