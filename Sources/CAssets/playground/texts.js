// Texts: what class they are of, what each word is, what they are in another language, how they go on.

const textExamples = {
  surnames: ['Takahashi', 'Papadopoulos', 'O’Connell', 'Nguyen', 'Kowalczyk'],
  sentiment: [
    'A warm, funny and wonderfully acted film.', 'Two hours of my life that I will never get back.',
    'Not bad at all, though far too long.',
  ],
  tagger: ['The quick brown fox jumps over the lazy dog .', 'Time flies like an arrow .', 'They can fish in the can .'],
  'deu-eng': ['Wie geht es dir?', 'Ich habe meinen Schlüssel verloren.', 'Kannst du mir helfen?', 'Das Haus ist sehr alt.'],
  shakespeare: ['ROMEO:', 'To be, or not to be', 'Enter the KING and his'],
};

const verbs = {
  'sequence-classification': 'Ask', 'token-classification': 'Tag', 'sequence-to-sequence': 'Translate', 'text-generation': 'Write',
};

/** A text and what one may do with it; Ctrl+Enter asks too. */
function textForm(model, { rows, placeholder }, submit) {
  const area = html('textarea', { id: 'text', rows, dir: 'auto', spellcheck: 'false', placeholder });
  const button = html('button', { class: 'primary' }, verbs[model.task] ?? 'Ask');
  const examples = (textExamples[model.name] ?? []).map((text) => html('button', {
    type: 'button', class: 'chip', dir: 'auto', onclick: () => {
      area.value = text;
      submit();
    },
  }, text));
  const form = html('form', {
    onsubmit: (event) => {
      event.preventDefault();
      submit();
    },
    onkeydown: (event) => {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        submit();
      }
    },
  }, html('label', { for: 'text' }, model.task === 'text-generation' ? 'How it begins' : 'Text'), area);
  return { form, area, button, examples: html('div', { class: 'row chips' }, examples) };
}

/** The text as the model takes it: itself, or the numbers of its tokens. */
function instanceOf(model, text) {
  if (model.input?.kind !== 'tokens') return text;
  const tokens = text.split(/[\s,]+/).filter(Boolean).map(Number);
  if (tokens.every(Number.isInteger)) return tokens;
  throw new Problem('This model takes whole numbers, the indices of its tokens, with blanks between');
}

const placeholderOf = (model) => (model.input?.kind === 'tokens' ? 'Such as: 3 14 15' : 'Type or paste a text');

/** Words in the colours of their classes. */
function taggedWords(words = 'words') {
  const list = html('ol', { class: 'tags', dir: 'auto' }, html('li', { class: 'unasked' }, `The ${words} come here.`));
  return {
    element: list,
    draw(tags) {
      list.replaceChildren(...tags.map((tag) => html('li', {
        vars: { '--hue': `${(tag.index * 137.5) % 360}` }, title: `${className(tag)}, ${percent(tag.probability)}`,
      }, html('b', {}, String(tag.token ?? `frame ${tag.frame}`)), html('span', {}, className(tag)))));
    },
    clear: () => list.replaceChildren(),
  };
}

const textOf = ({ text, tokens }) => text ?? tokens.join(' ');

/** How much each word of a translation looked at each of the source: a table whose cells are the darker the more. */
function looksOf({ tokens, attention }, source = attention[0]?.map((_, step) => step)) {
  const heading = (scope) => (token) => html('th', { scope, dir: 'auto' }, String(token));
  const rows = tokens.map((token, row) => html('tr', {}, heading('row')(token), attention[row].map((weight) => html('td', {
    vars: { '--strength': weight.toFixed(3) },
  }, whole.format(100 * weight)))));
  return html('div', { class: 'scroll looks', tabindex: 0, role: 'region', 'aria-label': 'What each word looked at' },
    html('table', {}, html('caption', { class: 'quiet' }, 'How much each word looked at those of the source, in percent'),
      html('thead', {}, html('tr', {}, html('td', {}), source.map(heading('col')))), html('tbody', {}, rows)));
}

/** What a beam has found, the best first, and what the best looked at, where that was asked for. */
function translations() {
  const list = html('ol', { class: 'beams' }, html('li', { class: 'unasked' }, 'The translation comes here.'));
  return {
    element: list,
    draw(prediction) {
      const beams = prediction.beams ?? [prediction];
      const end = ({ stop }) => (stop === 'end' ? 'came to its end' : 'cut at the greatest length');
      list.replaceChildren(...beams.map((beam, rank) => html('li', {}, html('p', { dir: 'auto' }, textOf(beam)),
        html('span', { class: 'quiet' }, `log probability ${threeDigits.format(beam.score)}, ${end(beam)}`),
        rank === 0 && beam.attention?.length ? looksOf(beam, prediction.source) : null)));
    },
    clear: () => list.replaceChildren(),
  };
}

/** What differs between the tasks: what is sent with a text, how the answer is drawn, and in which words it is told. */
function textTask(model) {
  switch (model.task) {
    case 'token-classification': {
      const view = taggedWords();
      return { view, parameters: () => undefined, live: true, told: (tags) => `${counted(tags.length, 'word')} tagged.` };
    }
    case 'sequence-to-sequence': {
      const beams = slider('Beams', { least: 1, most: 8, step: 1, value: 4 });
      const looks = switcher('What each word looked at', () => looks.input.form.requestSubmit());
      return {
        view: translations(), more: [beams.element, looks.element], told: textOf,
        parameters: () => ({
          beams: Number(beams.input.value), top_k: Number(beams.input.value), ...(looks.input.checked && { detail: 'attention' }),
        }),
      };
    }
    default: {
      const view = bars(Math.min(5, model.classes ?? 5));
      const draw = (prediction) => view.draw(prediction.scores.slice(0, 5));
      return {
        view: { ...view, draw }, parameters: () => ({ top_k: Math.min(5, model.classes), scores: true }), live: true,
        told: (best) => `${className(best)}, ${percent(best.probability)}`, why: tokenEffects(model),
      };
    }
  }
}

/** How much of a text the model does not know, in words. */
function missingOf(prediction) {
  const tags = Array.isArray(prediction) ? prediction : [];
  const missing = prediction.unknown_tokens ?? tags.filter((tag) => tag.unknown).length;
  return missing ? `${counted(missing, 'token')} ${missing === 1 ? 'is' : 'are'} not in the model’s vocabulary.` : '';
}

/** The panel of a model that reads a text. */
function textPanel(model) {
  const [problem, timing, task, asked] = [problemLine(), timings(), textTask(model), html('div', {})];
  const unknown = html('p', { class: 'quiet' });
  const requests = asker(problem, asked);

  function requestFor(text) {
    const parameters = task.parameters();
    return { path: `${model.path}:predict`, json: { instances: [instanceOf(model, text)], ...(parameters && { parameters }) } };
  }

  async function predict() {
    if (!form.area.value.trim()) return;
    await requests.run(async (signal) => {
      const request = requestFor(form.area.value);
      showCommand(request);
      const { json, arrived, timing: times } = await ask(request, signal);
      const [prediction] = json.predictions;
      task.view.draw(prediction);
      timing.draw(times);
      measureDrawing(arrived);
      unknown.textContent = missingOf(prediction);
      announce(task.told(prediction));
      task.why?.offer(request.json.instances[0]);
    });
  }

  const form = textForm(model, { rows: 4, placeholder: placeholderOf(model) }, predict);
  if (task.live) form.area.addEventListener('input', debounced(300, predict));
  const hint = html('span', { class: 'quiet' }, task.live ? 'answers while you type' : 'Ctrl+Enter asks too');
  form.form.append(html('div', { class: 'row' }, form.button, task.more, hint));
  asked.append(form.form, form.examples, task.why?.element ?? '');
  const first = textExamples[model.name]?.[0] ?? (model.input?.kind === 'tokens' ? '1 2 3' : 'a text');
  return {
    elements: twoCards(asked, [problem.element, task.view.element, unknown, timing.element]),
    request: requestFor(first),
    stop: requests.stop,
  };
}

/** The panel of a model that goes on from a text, token by token. */
function writingPanel(model) {
  const [problem, asked] = [problemLine(), html('div', {})];
  const output = html('div', { class: 'written', dir: 'auto', tabindex: 0, role: 'region', 'aria-label': 'The text' });
  const status = html('p', { class: 'quiet' }, '\u00a0');
  const requests = asker(problem, output);
  const settings = {
    max_tokens: slider('Length', { least: 16, most: 1024, step: 16, value: 256 }),
    temperature: slider('Temperature', { least: 0, most: 2, step: 0.05, value: 0.8 }),
    top_p: slider('Likeliest share', { least: 0.05, most: 1, step: 0.05, value: 1 }),
  };
  const stop = html('button', { type: 'button', disabled: true, onclick: () => requests.stop() }, 'Stop');

  function requestFor(prompt) {
    const values = Object.entries(settings).map(([name, { input }]) => [name, Number(input.value)]);
    return { path: `${model.path}:generate`, json: { prompt, ...Object.fromEntries(values), stream: true }, streamed: true };
  }

  async function write() {
    const prompt = form.area.value;
    const written = { tokens: 0, began: performance.now(), end: 'stopped' };
    stop.disabled = false;
    output.replaceChildren(html('b', {}, prompt));
    await requests.run(async (signal) => {
      const request = requestFor(prompt);
      showCommand(request);
      const text = document.createTextNode('');
      output.append(text);
      for await (const event of events(await send(request, signal))) take(event, text, written);
    });
    stop.disabled = true;
    tell(written);
  }

  function take(event, text, written) {
    if (event.error) throw new Problem(event.error, event);
    if (event.finish_reason) {
      written.end = event.finish_reason;
      return;
    }
    text.data += event.text;
    written.tokens += 1;
    if (written.tokens === 1) measureDrawing(performance.now());
    output.scrollTop = output.scrollHeight;
    tell(written);
  }

  function tell({ tokens, began, end }) {
    const seconds = Math.max(1e-3, (performance.now() - began) / 1000);
    const endings = { stopped: stop.disabled ? ', stopped' : '', stop: ', came to its end', length: ', as long as it may be' };
    const why = endings[end] ?? `, ${end}`;
    status.textContent = tokens ? `${counted(tokens, 'token')}, ${whole.format(tokens / seconds)} a second${why}.` : '\u00a0';
    if (stop.disabled && tokens) announce(status.textContent);
  }

  const form = textForm(model, { rows: 3, placeholder: 'Nothing is a beginning too' }, write);
  form.area.value = textExamples[model.name]?.[0] ?? '';
  form.form.append(...Object.values(settings).map(({ element }) => element), html('div', { class: 'row' }, form.button, stop));
  asked.append(form.form, form.examples);
  return { elements: twoCards(asked, [problem.element, output, status]), request: requestFor(form.area.value), stop: requests.stop };
}
