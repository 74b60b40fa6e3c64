// What everything else is made of: elements, numbers as people write them, and words for a screen reader.

const byId = (id) => document.getElementById(id);

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (name === 'vars') for (const [key, number] of Object.entries(value)) node.style.setProperty(key, number);
    else node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.flat().filter((child) => child !== undefined && child !== null));
  return node;
}

/** An element of HTML; attributes that begin with `on` listen, `vars` are custom properties of its style. */
function html(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children);
}

const numbers = (digits, style) =>
  new Intl.NumberFormat('en', { maximumFractionDigits: digits, minimumFractionDigits: style?.least ?? 0, ...style?.more });
const whole = numbers(0);
const oneDigit = numbers(1, { least: 1 });
const twoDigits = numbers(2);
const threeDigits = numbers(3);
const short = numbers(1, { more: { notation: 'compact' } });

/** A probability, as 97.2 %; what is nearly nothing or nearly sure does not read as if it were. */
function percent(probability) {
  const value = probability * 100;
  if (value > 0 && value < 0.1) return '< 0.1 %';
  if (value < 100 && value > 99.9) return '> 99.9 %';
  return `${oneDigit.format(value)} %`;
}

function milliseconds(value) {
  if (value >= 1000) return `${twoDigits.format(value / 1000)} s`;
  return `${numbers(value < 1 ? 2 : value < 10 ? 1 : 0).format(value)} ms`;
}

/** How often something is, with its word: `1 crop`, `10 crops`. */
const counted = (count, word, several = `${word}s`) => `${whole.format(count)} ${count === 1 ? word : several}`;

/** What a server says in a message, as a sentence. */
function sentence(message) {
  const text = message.trim();
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}

function debounced(milliseconds, work) {
  let timer;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...values), milliseconds);
  };
}

/** Tells a screen reader what has come, without moving the focus. */
function announce(text) {
  byId('announcer').textContent = text;
}

/** Measures from an answer's last byte until the frame that shows it is on its way to the screen. */
function measureDrawing(arrived) {
  requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => performance.measure('martlet:drawn', {
      start: arrived, end: performance.now(), detail: catalogue.chosen.name,
    });
    channel.port2.postMessage(0);
  });
}

/** A place for what went wrong, empty until something does. */
function problemLine() {
  const line = html('p', { class: 'problem', role: 'alert', hidden: true });
  return {
    element: line,
    show(problem) {
      line.hidden = !problem;
      line.textContent = problem ? problem.sentence ?? sentence(String(problem.message ?? problem)) : '';
    },
  };
}

/** Radio buttons that look like one bar; arrow keys are the browser's own. */
function choice(legend, name, options, chosen, changed) {
  const inputs = options.map(({ value, label, hint }) => {
    const input = html('input', {
      type: 'radio', name, value, checked: value === chosen, onchange: () => changed(value),
    });
    return html('label', { title: hint }, input, html('span', {}, label));
  });
  return html('fieldset', { class: 'choice' }, html('legend', {}, legend), html('div', {}, inputs));
}

/** A number that is set by sliding, with its value beside it. */
function slider(label, { least, most, step, value }, changed) {
  const output = html('output', {}, String(value));
  const input = html('input', {
    type: 'range', min: least, max: most, step, value,
    oninput: () => {
      output.textContent = input.value;
      changed?.(Number(input.value));
    },
  });
  return { element: html('label', { class: 'slider' }, html('span', {}, label), input, output), input };
}

function switcher(label, changed) {
  const input = html('input', { type: 'checkbox', role: 'switch', onchange: () => changed(input.checked) });
  return { element: html('label', { class: 'switch' }, input, html('span', {}, label)), input };
}
