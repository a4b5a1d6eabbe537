// Runs in the page after its own script: what a turn of the wheel costs. No time is measured, and frames come when this
// script says so (the test gave the page `waiting` before its first script), so that a busy machine changes nothing: a
// frame is bounded by how much it draws, and by how often it is drawn.
(() => {
  const frame = () => { for (const draw of waiting.splice(0)) draw(performance.now()); };
  const map = document.getElementById('map');
  const data = JSON.parse(document.getElementById('data').textContent);
  // Every frame begins with an empty picture; whatever is put on it, or into a path for it, is counted.
  let [frames, strokes] = [0, 0];
  const pen = CanvasRenderingContext2D.prototype;
  const counted = (owner, name, note) => {
    const real = owner[name];
    owner[name] = function (...values) { note(this); return real.apply(this, values); };
  };
  counted(pen, 'clearRect', one => { if (one.canvas === map) frames += 1; });
  for (const name of ['fillRect', 'strokeRect', 'fillText', 'fill', 'stroke', 'lineTo', 'rect', 'roundRect', 'arc']) {
    counted(pen, name, one => { if (one.canvas === map) strokes += 1; });
  }
  for (const name of ['rect', 'roundRect', 'lineTo', 'arc']) counted(Path2D.prototype, name, () => { strokes += 1; });
  const turn = (times, deltaY) => {
    [frames, strokes] = [0, 0];
    const box = map.getBoundingClientRect();
    for (let time = 0; time < times; time += 1) {
      map.dispatchEvent(new WheelEvent('wheel', { deltaY, ctrlKey: true, clientX: box.left + box.width / 2, clientY: box.top + 90, bubbles: true, cancelable: true }));
    }
  };

  try {
    const marks = data.marks.length;
    check('the page carries thousands of operations and not all', marks > 2_000 && marks < 10_000, marks);
    check('the document stays small', document.querySelectorAll('*').length < 30_000, document.querySelectorAll('*').length);
    map.scrollIntoView();
    frame();
    for (const [name, times, deltaY] of [['in', 20, -8], ['in once more', 20, -30], ['out', 40, 60]]) {
      turn(times, deltaY);
      check(`no turn of the wheel ${name} draws by itself`, frames === 0, frames);
      frame();
      check(`${times} turns ${name} are drawn in one frame`, frames === 1, frames);
      check(`a frame ${name} draws at most a few shapes for each operation`, strokes > 10 && strokes < 4 * marks, `${strokes} for ${marks}`);
    }
  } catch (error) {
    failed(error);
  }
  tell();
})();
