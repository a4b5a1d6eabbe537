// The data of the explorer, and what a filter lets through. All texts of the database end up as text nodes or as
// strokes on a canvas, never as markup.
const read = id => {
  const block = document.getElementById(id);
  try { return block && JSON.parse(block.textContent); } catch { return null; }
};
const tape = read('data');
const OUTCOMES = ['ok', 'fail', 'unknown'];

// A mark as the page sends it becomes one object with names. Times stay nanoseconds.
const unpack = ([index, process, node, kind, outcome, began, took, call, answer, keys]) => ({
  index, process, node, kind, outcome, began, took, call, answer, keys,
  // An unknown outcome has no end; its client's patience is told and not drawn.
  ended: outcome === 'unknown' || took === null ? Infinity : began + took,
  gaveUp: took === null ? began : began + took,
  lane: 0, row: 0, shown: true,
});
const ops = tape ? tape.marks.map(unpack) : [];
const byIndex = new Map(ops.map(op => [op.index, op]));
const faultBands = tape ? tape.faults.map(([family, text, began, ended, nodes]) => ({ family, text, began, ended: ended ?? Infinity, nodes })) : [];
const stories = tape ? tape.stories : [];

const FILTERS = ['process', 'key', 'node', 'call', 'outcome', 'fault', 'text'];
const noFilter = () => Object.fromEntries(FILTERS.map(name => [name, '']));
let filter = noFilter();

// How long an operation was under way at most, for the question which faults it met.
const under = op => Math.max(op.gaveUp, op.began);
const meets = (op, band) => band.began <= under(op) && band.ended >= op.began;

const lets = (op, wanted) => {
  if (wanted.process && 'p' + op.process !== 'p' + wanted.process.replace(/^p/i, '')) return false;
  if (wanted.outcome && op.outcome !== wanted.outcome) return false;
  if (wanted.node && tape.nodes[op.node] !== wanted.node) return false;
  if (wanted.call && tape.kinds[op.kind] !== wanted.call) return false;
  if (wanted.key && !op.keys.some(key => tape.keys[key] === wanted.key)) return false;
  if (wanted.fault === 'none' && faultBands.some(band => meets(op, band))) return false;
  if (wanted.fault && wanted.fault !== 'none') {
    const bands = faultBands.filter(band => band.family === wanted.fault);
    if (!bands.some(band => meets(op, band))) return false;
  }
  if (wanted.text) {
    const text = wanted.text.toLowerCase();
    if (!`#${op.index} ${op.call} ${op.answer}`.toLowerCase().includes(text)) return false;
  }
  return true;
};

let matching = ops.length;
const sift = () => {
  matching = 0;
  for (const op of ops) {
    op.shown = lets(op, filter);
    if (op.shown) matching += 1;
  }
};

// Durations and moments as the rest of the page words them.
const tell = nanos => {
  if (nanos < 1e3) return `${nanos} ns`;
  const units = [[1e9, 's'], [1e6, 'ms'], [1e3, 'µs']];
  const [size, unit] = units.find(([size]) => nanos >= size);
  return `${Number((nanos / size).toPrecision(3))} ${unit}`;
};
const when = (nanos, digits = 6) => `${(nanos / 1e9).toFixed(digits)} s`;
const group = number => String(number).replace(/\B(?=(\d{3})+$)/g, ',');
