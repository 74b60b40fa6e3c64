// Why: where in a picture, and in which words, the network sees what it says.

/** Says so where the daemon does not say why. */
async function hideUnlessExplained(toggle, note) {
  if (await abilities.explains()) return;
  toggle.element.hidden = true;
  note.textContent = 'This daemon does not say why: it has no :explain.';
}

/** Viridis as polynomials, so that equal steps of a value look equally far. After M. Zucker's fit of the map by S. van der Walt. */
const viridis = [
  [0.2777273, 0.1050930, -0.3308618, -4.6342305, 6.2282699, 4.7763850, -5.4354559],
  [0.0054073, 1.4046135, 0.2148476, -5.7991010, 14.1799334, -13.7451454, 4.6458526],
  [0.3340998, 1.3845902, 0.0950952, -19.3324410, 56.6905526, -65.3530326, 26.3124352],
];

function colour(value) {
  return viridis.map((terms) => 255 * Math.min(1, Math.max(0, terms.reduceRight((sum, term) => sum * value + term, 0))));
}

/** Draws rows of numbers onto a canvas of as many pixels; the browser smooths between them. */
function drawGrid(canvas, { height, width, values }) {
  const all = values.flat();
  const [least, most] = [Math.min(...all), Math.max(...all)];
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext('2d');
  const pixels = context.createImageData(width, height);
  all.forEach((value, index) => {
    const share = most > least ? (value - least) / (most - least) : 0;
    pixels.data.set([...colour(share), 255], 4 * index);
  });
  context.putImageData(pixels, 0, 0);
}

/** Draws an explanation where its box lies in the picture; returns what it is, in words. */
function layOver({ map, size }, { grid, box, method, runs, class: named }) {
  const [left, top, right, bottom] = box;
  const share = {
    '--left': left / size.width, '--top': top / size.height,
    '--width': (right - left) / size.width, '--height': (bottom - top) / size.height,
  };
  for (const [name, value] of Object.entries(share)) map.style.setProperty(name, `${100 * value}%`);
  drawGrid(map, grid);
  map.hidden = false;
  map.setAttribute('aria-label', `Heat map: ${strongestPlace(grid)} speaks most for ${className(named)}`);
  const how = `By ${methodNames[method] ?? method}, ${counted(runs ?? 1, 'run')} of the network`;
  return `${how}; yellow speaks for “${className(named)}”.`;
}

/** The map that is laid over a picture, with what it may be asked. */
function heatMap(model, view) {
  const problem = problemLine();
  const opacity = slider('Opacity', { least: 0, most: 100, step: 1, value: 65 }, (value) => {
    view.map.style.setProperty('--opacity', value / 100);
  });
  const classes = html('select', { onchange: () => explain() });
  const note = html('p', { class: 'quiet' });
  const controls = html('div', { class: 'row', hidden: true },
    html('label', {}, html('span', {}, 'for '), classes), opacity.element);
  const toggle = switcher('Heat map: where it looks', (isOn) => {
    controls.hidden = !isOn;
    if (isOn) explain();
    else hide();
  });
  const requests = asker(problem, controls);
  const element = html('div', { class: 'why' }, toggle.element, controls, note, problem.element);
  hideUnlessExplained(toggle, note);
  toggle.input.disabled = true;
  let file;

  function hide() {
    requests.stop();
    view.map.hidden = true;
    if (!toggle.element.hidden) note.textContent = '';
  }

  function explain() {
    return requests.run(async (signal) => {
      const request = { path: `${model.path}:explain`, query: { class: classes.value }, file };
      showCommand(request);
      const { json, arrived } = await ask(request, signal);
      note.textContent = layOver(view, json);
      measureDrawing(arrived);
    });
  }

  return {
    element,
    reset() {
      hide();
      problem.show(null);
    },
    /** A picture was answered: it may be asked about. */
    offer(picture, predictions) {
      file = picture;
      toggle.input.disabled = !predictions.length;
      classes.replaceChildren(...predictions.map((entry) => html('option', { value: entry.index }, className(entry))));
      if (toggle.input.checked && predictions.length) explain();
    },
  };
}

const methodNames = {
  cam: 'class activation mapping', occlusion: 'covering parts of the picture', 'leave-one-out': 'leaving out one at a time',
};

/** Where a grid is highest, in words. */
function strongestPlace({ height, width, values }) {
  const all = values.flat();
  const at = all.indexOf(Math.max(...all));
  const third = (position, count, names) => names[Math.min(2, Math.floor((3 * position) / count))];
  const [row, column] = [Math.floor(at / width), at % width];
  return `${third(row, height, ['the top', 'the middle', 'the bottom'])} ${third(column, width, ['left', 'centre', 'right'])}`;
}

/** What leaving out each token of a text changes. */
function tokenEffects(model) {
  const problem = problemLine();
  const list = html('p', { class: 'effects', dir: 'auto' });
  const note = html('p', { class: 'quiet' });
  const unit = { words: 'word', characters: 'letter' }[model.input?.tokenizer] ?? 'token';
  const toggle = switcher(`Why: leave out one ${unit} at a time`, (isOn) => (isOn ? explain() : clear()));
  const requests = asker(problem, list);
  const element = html('div', { class: 'why' }, toggle.element, list, note, problem.element);
  hideUnlessExplained(toggle, note);
  let instance;

  function clear() {
    requests.stop();
    list.replaceChildren();
    note.textContent = '';
  }

  function explain() {
    if (instance === undefined) return;
    return requests.run(async (signal) => {
      const request = { path: `${model.path}:explain`, json: { instances: [instance] } };
      showCommand(request);
      const { json } = await ask(request, signal);
      draw(json);
    });
  }

  function draw({ tokens, class: { label, index } }) {
    const most = Math.max(1e-9, ...tokens.map(({ effect }) => Math.abs(effect)));
    const isText = tokens.every(({ token }) => String(token).length === 1);
    list.replaceChildren(...tokens.flatMap(({ token, effect }) => [
      html('span', {
        class: effect >= 0 ? 'for' : 'against', vars: { '--strength': Math.abs(effect) / most },
        title: `${effect >= 0 ? '+' : '−'}${threeDigits.format(Math.abs(effect))}`,
      }, String(token)), isText ? '' : ' ']));
    note.textContent = tokens.length ? told(tokens, className({ label, index })) : '';
  }

  function told(tokens, name) {
    const { token, effect } = tokens.reduce((best, entry) => (Math.abs(entry.effect) > Math.abs(best.effect) ? entry : best));
    const change = `${effect >= 0 ? 'falls' : 'rises'} by ${threeDigits.format(Math.abs(effect))}`;
    return `Without “${token}”, “${name}” ${change}. Coloured ${unit}s speak for it, hatched ones against.`;
  }

  return {
    element,
    offer(text) {
      instance = text;
      if (toggle.input.checked) explain();
    },
  };
}
