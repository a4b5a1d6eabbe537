// Follows a run: asks for this page again and again, and puts what it says into the one that is there.
const EVERY = 2000;
const again = async () => {
  const note = () => document.getElementById('fresh');
  try {
    const answer = await fetch(location.href, { cache: 'no-store' });
    // The run has ended: its report is elsewhere.
    if (answer.redirected) { location.replace(answer.url); return; }
    if (!answer.ok) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    const [old, fresh] = [document.getElementById('main'), page.getElementById('main')];
    if (old && fresh) old.replaceWith(document.adoptNode(fresh));
    document.title = page.title;
    note().textContent = 'Bands: a fault is in force. This page is drawn anew every two seconds.';
  } catch {
    if (note()) note().textContent = 'The server does not answer; what is shown may be old. It is asked again every two seconds.';
  }
  setTimeout(again, EVERY);
};
setTimeout(again, EVERY);
