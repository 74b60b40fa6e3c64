// The models of the daemon: the list at the side, and what is known of the one that is chosen.

const tasks = {
  'image-classification': ['pictures', (model) =>
    `Says which of ${counted(model.classes, 'class', 'classes')} a picture shows`],
  'sequence-classification': ['texts', (model) => `Sorts ${kinds(model)} into ${model.classes} classes`],
  'token-classification': ['tags', (model) =>
    `Gives every ${model.input?.kind === 'frames' ? 'frame' : 'word'} one of ${model.classes} classes`],
  'sequence-regression': ['series', () => 'Says how a series of numbers goes on'],
  'sequence-to-sequence': ['translation', () => 'Writes a sequence for a sequence, as a translation'],
  'text-generation': ['writing', () => 'Goes on from the beginning of a text'],
  'object-detection': ['objects', (model) => `Finds objects of ${counted(model.classes, 'class', 'classes')} in a picture`],
  'semantic-segmentation': ['pixels', (model) =>
    `Says of each pixel of a picture which of ${counted(model.classes, 'class', 'classes')} it is`],
  'image-captioning': ['captions', () => 'Says in a sentence what is in a picture'],
  embedding: ['vectors', () => 'Makes a vector of a picture; those of pictures that are alike are near'],
  tensors: ['tensors', () => 'Takes and answers tensors'],
};

const kindNames = { text: 'texts', tokens: 'sequences', features: 'series', frames: 'clips' };
const kinds = ({ input }) => kindNames[input?.kind] ?? 'sequences';

const states = { ready: 'ready', loading: 'loading', failed: 'failed', unloaded: 'not loaded' };

const panels = { image: picturePanel, frames: clipPanel, features: seriesPanel };

/** The panel for what a model takes and answers. */
function panelFor(model) {
  if (model.task === 'text-generation') return writingPanel(model);
  if (model.task === 'tensors') return tensorPanel(model);
  if (finders[model.task]) return finderPanel(model, finders[model.task]);
  return (panels[model.input?.kind] ?? textPanel)(model);
}

function modelButton(model, isChosen, choose) {
  const [kind] = tasks[model.task] ?? ['unknown task'];
  return html('li', {}, html('button', {
    type: 'button', 'aria-current': isChosen ? 'true' : undefined, onclick: () => choose(model.name),
  }, html('i', { class: `state ${model.state}`, 'aria-hidden': 'true' }), html('bdi', {}, model.name),
  html('span', {}, model.state === 'ready' ? kind : states[model.state] ?? model.state)));
}

/** What was measured of a model, from its provenance: the measure that says most, in words. */
function accuracyOf({ provenance }) {
  const metrics = provenance?.metrics ?? {};
  const examples = metrics.images ?? metrics.sequences ?? metrics.words ?? metrics.tokens ?? metrics.frames;
  const right = metrics.top1 ?? metrics.accuracy;
  if (right !== undefined) {
    const ten = metrics.top1_ten > right ? `, ${percent(metrics.top1_ten)} with ten crops` : '';
    return `${percent(right)} right${examples ? ` of ${whole.format(examples)}` : ''}${ten}`;
  }
  if (metrics.mae !== undefined) {
    const naive = metrics.mae_naive ? `, “as before” by ${twoDigits.format(metrics.mae_naive)}` : '';
    return `off by ${twoDigits.format(metrics.mae)} on average${naive}`;
  }
  if (metrics.bleu !== undefined) return `BLEU ${twoDigits.format(metrics.bleu)} of ${counted(examples, 'sentence')}`;
  const [name, value] = Object.entries(metrics).find(([, number]) => typeof number === 'number') ?? [];
  return name && `${threeDigits.format(value)} ${name.replaceAll('_', ' ')}`;
}

function inputOf({ input, preprocessing }) {
  switch (input?.kind) {
    case 'image': return [input.shape?.join(' × '), preprocessing?.color ?? input.color].filter(Boolean).join(', ');
    case 'text': return `text, as ${input.tokenizer}${input.max_length ? `, at most ${whole.format(input.max_length)}` : ''}`;
    case 'features': return `${counted(input.size ?? 1, 'number')} a step`;
    default: return input?.kind;
  }
}

function drawFacts(model) {
  const facts = {
    State: `${states[model.state] ?? model.state}${model.version ? `, version ${model.version}` : ''}`,
    Measured: accuracyOf(model),
    Network: [model.architecture, model.parameters && `${short.format(model.parameters)} parameters`].filter(Boolean).join(', '),
    Takes: inputOf(model),
    'Trained on': model.provenance?.dataset,
  };
  byId('facts').replaceChildren(...Object.entries(facts).filter(([, fact]) => fact).map(([name, fact]) =>
    html('div', {}, html('dt', {}, name), html('dd', { dir: 'auto' }, fact))));
}

/** The table of `martlet inspect`, asked for when it is opened. */
async function drawLayers(model) {
  const place = byId('layer-table');
  if (place.dataset.of === model.name) return;
  place.replaceChildren(html('p', { class: 'quiet' }, 'Asking…'));
  try {
    const { json } = await ask({ path: `${model.path}/layers` });
    place.replaceChildren(layerTable(json));
    place.dataset.of = model.name;
  } catch (problem) {
    place.replaceChildren(html('p', { class: 'problem' }, problem.sentence ?? String(problem)));
  }
}

function layerTable({ rows, parameters, multiply_adds: work }) {
  const line = ([name, ...cells]) => html('tr', {}, html('th', { scope: 'row' }, name), cells.map((cell) => html('td', {}, cell)));
  const head = ['Layer', 'Input', 'What it does', 'Output', 'Parameters', 'Multiply-adds'];
  const sizes = (count, work) => [short.format(count), short.format(work)];
  return html('table', { class: 'wide' },
    html('thead', {}, html('tr', {}, head.map((name) => html('th', { scope: 'col' }, name)))),
    html('tbody', {}, rows.map((row) =>
      line([row.layer, row.input, row.structure, row.output, ...sizes(row.parameters, row.multiply_adds)]))),
    html('tfoot', {}, line(['Together', '', '', '', ...sizes(parameters, work)])));
}

const absences = {
  failed: 'It could not be loaded', loading: 'It is being loaded', unloaded: 'It is not loaded now; an operator can load it',
};

/** The list of models, the one that is chosen, and its panel. */
const catalogue = {
  models: [],
  chosen: null,
  panel: null,

  async load() {
    const { json } = await ask({ path: 'v1/models' });
    this.models = json.models.map((model) => ({ ...model, path: `v1/models/${encodeURIComponent(model.name)}` }));
    this.list();
    if (this.models.some(({ state }) => state === 'loading')) setTimeout(() => this.refresh(), 1000);
  },

  /** Looks again at models that were on their way; a panel that is in use stays. */
  async refresh() {
    await this.load().catch(() => {});
    const model = this.models.find(({ name }) => name === this.chosen?.name);
    if (model && model.state !== this.chosen.state) this.choose(model.name);
  },

  list() {
    byId('models').replaceChildren(...this.models.map((model) =>
      modelButton(model, model.name === this.chosen?.name, (name) => this.choose(name))));
  },

  choose(name) {
    const model = this.models.find((candidate) => candidate.name === name);
    if (!model) return;
    this.panel?.stop?.();
    this.chosen = model;
    history.replaceState(null, '', `#${encodeURIComponent(name)}`);
    for (const button of byId('models').querySelectorAll('button')) {
      const isChosen = button.querySelector('bdi').textContent === name;
      if (isChosen) button.setAttribute('aria-current', 'true');
      else button.removeAttribute('aria-current');
    }
    this.describe(model);
    this.open(model);
  },

  describe(model) {
    byId('model-name').textContent = model.name;
    byId('purpose').textContent = sentence(tasks[model.task]?.[1](model) ?? 'This page has no way to ask this model');
    drawFacts(model);
    byId('layers').open = false;
    byId('layer-table').replaceChildren();
    delete byId('layer-table').dataset.of;
  },

  open(model) {
    byId('request').hidden = !model.ready;
    if (!model.ready) {
      const reason = model.reason ? `: ${model.reason}` : '';
      this.panel = null;
      byId('panel').replaceChildren(html('p', { class: 'card problem' }, sentence(absences[model.state] + reason)));
      return;
    }
    this.panel = panelFor(model);
    byId('panel').replaceChildren(...this.panel.elements);
    showCommand(this.panel.request);
  },
};
