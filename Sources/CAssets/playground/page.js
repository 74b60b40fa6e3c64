// What happens when the page opens.

async function drawLinks() {
  const links = [['docs', 'Documentation'], ['openapi.json', 'OpenAPI']];
  const paths = await abilities.paths().catch(() => new Set());
  byId('links').replaceChildren(
    ...links.filter(([path]) => paths.has(path)).map(([path, label]) => html('a', { href: new URL(path, base) }, label)),
    key.value ? html('button', { type: 'button', class: 'link', onclick: forgetKey }, 'Forget the key') : '');
}

function forgetKey() {
  key.value = null;
  location.reload();
}

/** Asks what there is, and opens the model that the address names, or the one that knows most kinds of pictures, or any. */
async function open() {
  const notice = byId('notice');
  try {
    await catalogue.load();
    const { models } = catalogue;
    byId('key-form').hidden = true;
    notice.hidden = models.length > 0;
    if (!models.length) {
      notice.textContent = 'The daemon answers, and has no model that it would show here.';
      return;
    }
    byId('model').hidden = false;
    const named = decodeURIComponent(location.hash.slice(1));
    const [largest] = models.filter(({ ready, task }) => ready && task === 'image-classification')
      .sort((one, other) => other.classes - one.classes);
    const first = models.find(({ name }) => name === named) ?? largest ?? models.find(({ ready }) => ready) ?? models[0];
    catalogue.choose(first.name);
    performance.mark('martlet:ready');
    drawLinks();
    monitor.start();
  } catch (problem) {
    if (problem.status === 401) return;
    notice.hidden = false;
    notice.textContent = problem.sentence ?? sentence(String(problem));
    notice.setAttribute('role', 'alert');
  }
}

byId('key-form').addEventListener('submit', (event) => {
  event.preventDefault();
  key.value = byId('key').value.trim();
  open();
});
byId('copy').addEventListener('click', copyCommand);
byId('layers').addEventListener('toggle', () => {
  if (byId('layers').open) drawLayers(catalogue.chosen);
});
addEventListener('hashchange', () => catalogue.choose(decodeURIComponent(location.hash.slice(1))));
// A picture that is dropped beside its place does not take the page away.
for (const type of ['dragover', 'drop']) addEventListener(type, (event) => event.preventDefault());
open();
