// The explorer under the pointer: wheel, drag, two fingers, a click that pins, and the small picture.
const at = event => {
  const box = canvas.getBoundingClientRect();
  return { x: event.clientX - box.left, y: event.clientY - box.top };
};
// The operation under a point: the last that was drawn there wins, as the eye sees it.
const under_ = ({ x, y }) => {
  if (x < MARGIN || y < HEAD) return null;
  let found = null;
  for (const op of ops) {
    if (!op.shown) continue;
    const top = yOf(op.row);
    if (y < top || y > top + rowHeight()) continue;
    const from = xOf(op.began);
    const until = Number.isFinite(op.ended) ? Math.max(xOf(op.ended), from + 4) : size.width;
    if (x >= from - 2 && x <= until + 2 && (!found || Number.isFinite(op.ended) || !Number.isFinite(found.ended))) found = op;
  }
  return found;
};
const hover = op => {
  if (op === view.hovered) return;
  view.hovered = op;
  canvas.style.cursor = op ? 'pointer' : 'grab';
  sayOp(op ?? view.pinned);
  lightElsewhere(op ?? view.pinned);
  redraw();
};
const pin = op => {
  view.pinned = op;
  sayOp(op);
  lightElsewhere(op);
  redraw();
  remember();
};
// The same operation in the anomalies above: bar, row and mention.
const lightElsewhere = op => {
  for (const anomaly of all('.anomaly')) {
    if (op && anomaly.querySelector(`[data-op="${op.index}"]`)) light(anomaly, String(op.index));
    else if (anomaly.querySelector('.lit')) light(anomaly, null);
  }
};

if (canvas) {
  let drag = null;
  let moved_ = false;
  const fingers = new Map();
  canvas.addEventListener('pointerdown', event => {
    canvas.focus({ preventScroll: true });
    fingers.set(event.pointerId, at(event));
    drag = { ...at(event), from: view.from, until: view.until, top: view.top };
    moved_ = false;
    try { canvas.setPointerCapture(event.pointerId); } catch { /* A pointer that is gone needs no capture. */ }
  });
  canvas.addEventListener('pointermove', event => {
    const point = at(event);
    if (!drag) { hover(under_(point)); return; }
    if (fingers.size === 2) { pinch(event.pointerId, point); return; }
    if (Math.abs(point.x - drag.x) + Math.abs(point.y - drag.y) > 4) moved_ = true;
    const by = (point.x - drag.x) / scale();
    view.from = drag.from - by;
    view.until = drag.until - by;
    view.top = drag.top - (point.y - drag.y);
    moved();
  });
  const pinch = (id, point) => {
    const [one, other] = [...fingers.keys()];
    const before = Math.abs(fingers.get(one).x - fingers.get(other).x);
    fingers.set(id, point);
    const after = Math.abs(fingers.get(one).x - fingers.get(other).x);
    moved_ = true;
    if (before > 8 && after > 8) zoom(before / after, timeOf((fingers.get(one).x + fingers.get(other).x) / 2));
  };
  const end = event => {
    fingers.delete(event.pointerId);
    if (drag && !moved_ && event.type === 'pointerup') {
      const op = under_(at(event));
      pin(op && op !== view.pinned ? op : null);
    }
    drag = null;
  };
  canvas.addEventListener('pointerup', end);
  canvas.addEventListener('pointercancel', end);
  canvas.addEventListener('pointerleave', () => hover(null));
  // A wheel that passes by scrolls the page; with Ctrl, or once the picture was clicked, it zooms.
  canvas.addEventListener('wheel', event => {
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) { event.preventDefault(); pan(event.deltaX / size.width); return; }
    if (!event.ctrlKey && !event.metaKey && document.activeElement !== canvas) return;
    event.preventDefault();
    if (event.shiftKey) pan(0, event.deltaY / rowHeight() / 2);
    else zoom(Math.exp(Math.max(-60, Math.min(60, event.deltaY)) * 0.006), timeOf(at(event).x));
  }, { passive: false });
  canvas.addEventListener('dblclick', event => zoom(0.4, timeOf(at(event).x)));

  const jump = event => {
    const box = mini.getBoundingClientRect();
    const centre = whole.from + (event.clientX - box.left) / box.width * (whole.until - whole.from);
    const half = (view.until - view.from) / 2;
    view.from = centre - half;
    view.until = centre + half;
    moved();
  };
  mini.addEventListener('pointerdown', event => { try { mini.setPointerCapture(event.pointerId); } catch { /* As above. */ } jump(event); });
  mini.addEventListener('pointermove', event => { if (event.buttons) jump(event); });
  mini.addEventListener('wheel', event => { event.preventDefault(); zoom(Math.exp(event.deltaY * 0.004)); }, { passive: false });
  new ResizeObserver(() => redraw()).observe(canvas.parentElement);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
  theme?.addEventListener('click', redraw);
}
