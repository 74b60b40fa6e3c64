// How answers look: classes as bars, and where the time went.

/** The places that answers get before there are any, so that nothing moves when they come. */
function bars(count = 5) {
  const verdict = html('p', { class: 'verdict', dir: 'auto' }, html('span', { class: 'unasked' }, 'The answer comes here.'));
  const list = html('ol', { class: 'bars', vars: { '--rows': count } });
  const element = html('div', {}, verdict, list);
  return {
    element,
    /** The answer in words. */
    said: '',
    clear() {
      verdict.textContent = '\u00a0';
      list.replaceChildren();
    },
    /** Draws classes, each `{label?, index, probability}`, the likeliest first. */
    draw(classes) {
      const words = classes[0] ? [className(classes[0]), percent(classes[0].probability)] : ['No class reaches the threshold.'];
      this.said = words.join(', ');
      verdict.replaceChildren(...words.map((word, index) => html(index ? 'span' : 'bdi', {}, word)));
      list.replaceChildren(...classes.map((entry) => bar(entry)));
    },
  };
}

const className = ({ label, index }) => label ?? `class ${index}`;

function bar(entry, value = percent(entry.probability)) {
  return html('li', {},
    html('bdi', { class: 'label', title: className(entry) }, className(entry)),
    html('span', { class: 'track', 'aria-hidden': 'true' }, html('i', { vars: { '--share': entry.probability } })),
    html('span', { class: 'value' }, value));
}

const phases = [
  ['decode', 'decode'], ['preprocess', 'preprocess'], ['queue', 'queue'], ['inference', 'inference'], ['rest', 'other work'],
  ['wire', 'to you and back'],
];

/** Where the milliseconds of a request went, from `Server-Timing` and the page's own clock. */
function timings() {
  const track = html('div', { class: 'split', 'aria-hidden': 'true' });
  const list = html('dl', { class: 'phases' });
  const element = html('section', { class: 'timing', 'aria-label': 'Where the time went' }, html('h4', {}, 'Time'), track, list);
  return {
    element,
    draw(timing) {
      const known = phases.slice(0, 4).map(([name]) => timing[name] ?? 0).reduce((sum, value) => sum + value, 0);
      const total = timing.total ?? known;
      const parts = { ...timing, rest: Math.max(0, total - known), wire: Math.max(0, timing.wire - total) };
      const shown = phases.filter(([name]) => parts[name] > 0);
      const colour = (name) => html('i', { class: `phase-${name}`, 'aria-hidden': 'true', vars: { '--share': parts[name] } });
      track.replaceChildren(...shown.map(([name]) => colour(name)));
      list.replaceChildren(...shown.map(([name, label]) =>
        html('div', {}, html('dt', {}, colour(name), label), html('dd', {}, milliseconds(parts[name])))));
    },
    clear() {
      track.replaceChildren();
      list.replaceChildren();
    },
  };
}

/** One request at a time: a new one takes the place of the one before, which is given up. */
function asker(problem, busy) {
  let current;
  return {
    stop() { current?.abort(); },
    /** Runs some work with a signal; what goes wrong becomes a sentence. */
    async run(work) {
      current?.abort();
      const controller = current = new AbortController();
      busy.setAttribute('aria-busy', 'true');
      try {
        await work(controller.signal);
        if (current === controller) problem.show(null);
      } catch (error) {
        if (error.name !== 'AbortError' && current === controller) problem.show(error);
      } finally {
        if (current === controller) busy.removeAttribute('aria-busy');
      }
    },
  };
}

/** What is asked on one side, what is answered on the other. */
function twoCards(asked, answered) {
  return [
    html('section', { class: 'card ask', 'aria-label': 'What to ask' }, asked),
    html('section', { class: 'card answer', 'aria-label': 'Answer' }, answered),
  ];
}
