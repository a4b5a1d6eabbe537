// The view in the address, so that every view can be sent: #explore&from=..&until=..&key=..&op=..
const fields = Object.fromEntries(FILTERS.map(name => [name, document.getElementById('f-' + name)]));
const laneField = document.getElementById('f-lanes');
const storyField = document.getElementById('f-story');

const address = () => {
  const parts = new URLSearchParams();
  if (view.from > whole.from || view.until < whole.until) {
    parts.set('from', String(Math.round(view.from)));
    parts.set('until', String(Math.round(view.until)));
  }
  if (view.lanes !== USUAL_LANES) parts.set('lanes', view.lanes);
  if (view.story) parts.set('anomaly', String(view.story.id));
  for (const name of FILTERS) if (filter[name]) parts.set(name, filter[name]);
  if (view.pinned) parts.set('op', String(view.pinned.index));
  const text = parts.toString();
  return '#explore' + (text ? '&' + text : '');
};
// The address follows the view, but not while it is being moved: browsers refuse too many changes.
let remembering = 0;
let ready = false;
const remember = () => {
  if (!ready) return;
  clearTimeout(remembering);
  remembering = setTimeout(rememberNow, 150);
};
const rememberNow = () => { clearTimeout(remembering); history.replaceState(null, '', address()); };

const fillFields = () => {
  for (const name of FILTERS) if (fields[name]) fields[name].value = filter[name];
  if (laneField) laneField.value = view.lanes;
  if (storyField) storyField.value = view.story ? String(view.story.id) : '';
};
const tellStory = story => {
  view.story = story ?? null;
  layOut();
  if (story) showOps(storyOps(story).map(index => byIndex.get(index)));
};
// Understands what address() wrote, and #op-12 for one operation; anything else belongs to the rest of the page.
const follow = hash => {
  const single = hash.match(/^#op-(\d+)$/);
  if (!canvas || (!single && !hash.startsWith('#explore'))) return false;
  const parts = new URLSearchParams(single ? `op=${single[1]}` : hash.replace(/^#explore&?/, ''));
  filter = noFilter();
  for (const name of FILTERS) filter[name] = parts.get(name) ?? '';
  view.lanes = ['node', 'process'].includes(parts.get('lanes')) ? parts.get('lanes') : USUAL_LANES;
  sift();
  tellStory(stories.find(story => String(story.id) === parts.get('anomaly')));
  const [from, until] = [Number(parts.get('from')), Number(parts.get('until'))];
  if (parts.has('from') && until > from) { view.from = from; view.until = until; }
  view.pinned = byIndex.get(Number(parts.get('op') ?? NaN)) ?? null;
  if (view.pinned && !parts.has('from')) showOps([view.pinned]);
  sayOp(view.pinned);
  fillFields();
  clampView();
  redraw();
  count();
  explorer.scrollIntoView({ block: 'start' });
  return true;
};

if (canvas) {
  const options = (select, values) => {
    for (const value of values) {
      const option = document.createElement('option');
      option.value = value;
      option.textContent = value;
      select.append(option);
    }
  };
  options(fields.node, tape.nodes);
  options(fields.call, tape.kinds);
  options(fields.fault, [...new Set(faultBands.map(band => band.family))]);
  options(document.getElementById('keys-known'), tape.keys.slice(0, 500));
  for (const story of stories) {
    const option = document.createElement('option');
    option.value = String(story.id);
    option.textContent = `${story.id}. ${story.kind}`;
    storyField.append(option);
  }
  for (const name of FILTERS) fields[name].addEventListener('input', () => { filter[name] = fields[name].value.trim(); sifted(); });
  laneField.addEventListener('input', () => { view.lanes = laneField.value; view.top = 0; sifted(); });
  storyField.addEventListener('input', () => { tellStory(stories.find(story => String(story.id) === storyField.value)); moved(); });
  const clear = () => { filter = noFilter(); pin(null); view.story = null; fillFields(); sifted(); };
  const copyLink = async () => {
    rememberNow();
    const button = document.getElementById('x-link');
    try { await navigator.clipboard.writeText(location.href); button.textContent = 'Copied'; } catch { button.textContent = 'It is in the address bar'; }
    setTimeout(() => { button.textContent = 'Copy link'; }, 1500);
  };
  const on = (id, action) => document.getElementById(id).addEventListener('click', action);
  on('x-in', () => zoom(0.5));
  on('x-out', () => zoom(2));
  on('x-fit', fit);
  on('x-clear', clear);
  on('x-link', copyLink);
  fillFields();
  sift();
  layOut();
  if (!follow(location.hash)) { redraw(); count(); }
  addEventListener('hashchange', () => follow(location.hash));
  ready = true;
}
