// What the whole page needs: light and dark, and commands that can be copied.
const root = document.documentElement;
const all = (selector, from = document) => Array.from(from.querySelectorAll(selector));
root.classList.add('scripted');

// Light and dark: the page follows the system until somebody chooses.
const theme = document.getElementById('theme');
const dark = () => root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
theme?.addEventListener('click', () => { root.dataset.theme = dark() ? 'light' : 'dark'; });

// Commands can be copied.
for (const button of all('.command button')) {
  button.addEventListener('click', async () => {
    const pre = button.parentElement.querySelector('pre');
    try {
      await navigator.clipboard.writeText(pre.textContent);
      button.textContent = 'Copied';
    } catch {
      getSelection().selectAllChildren(pre);
      button.textContent = 'Selected';
    }
    setTimeout(() => { button.textContent = 'Copy'; }, 1500);
  });
}
