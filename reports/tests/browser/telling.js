// Put before what drives the page: notes of what came of each step, and where the test reads them.
const results = [];
const check = (name, ok, detail = '') => results.push({ name, ok: Boolean(ok), detail: String(detail).slice(0, 300) });
const failed = error => check('no step fails', false, error.stack);
const tell = () => {
  const told = document.createElement('pre');
  told.id = 'results';
  told.textContent = results.map(one => `${one.ok ? 'ok' : 'FAILED'}\t${one.name}\t${one.detail}`).join('\n') + '\nend';
  document.body.append(told);
};
