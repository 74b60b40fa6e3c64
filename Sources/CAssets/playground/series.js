// Series of numbers: what comes next, or what they are; and the lines that charts are made of.

/** Lines in a box of 100 × 100 that is stretched to its place; a gap where a value is null. */
function drawLines(chart, lines, { count, least, most }) {
  const across = (index) => (100 * index) / Math.max(1, count - 1);
  const down = (value) => 100 - (100 * (value - least)) / (most - least || 1);
  chart.replaceChildren(...lines.map(({ values, start = 0, kind }) => {
    let path = '';
    values.forEach((value, index) => {
      if (value === null) return;
      const isContinued = index > 0 && values[index - 1] !== null;
      path += `${isContinued ? 'L' : 'M'}${across(start + index).toFixed(2)} ${down(value).toFixed(2)}`;
      // A value alone is a dot.
      if (!isContinued && (values[index + 1] ?? null) === null) path += 'h0.01';
    });
    return svg('path', { d: path, class: `line ${kind}` });
  }));
}

const plot = () => svg('svg', { viewBox: '0 0 100 100', preserveAspectRatio: 'none', 'aria-hidden': 'true' });

function valueTable(forecast) {
  const line = (tag, cells) => html('tr', {}, cells.map((cell) => html(tag, {}, cell)));
  return html('table', {}, html('thead', {}, line('th', ['Step', 'Value'])), html('tbody', {}, forecast.map((step, index) =>
    line('td', [`+${index + 1}`, step.map((value) => threeDigits.format(value)).join(', ')]))));
}

/** A chart of a series and its forecast, with its scale in words and its values as a table. */
function seriesChart() {
  const chart = plot();
  const said = html('p', { class: 'verdict' }, html('span', { class: 'unasked' }, 'The forecast comes here.'));
  const [top, bottom] = [html('span'), html('span')];
  const figure = html('div', { class: 'plot tall', role: 'img', 'aria-label': 'No forecast yet' }, chart, top, bottom);
  const table = html('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Values of the forecast' });
  const key = html('p', { class: 'key-line quiet' },
    html('i', { class: 'past' }), 'as given', html('i', { class: 'ahead' }), 'forecast');
  const element = html('div', {}, said, figure, key, html('details', {}, html('summary', {}, 'Values'), table));
  return {
    element,
    draw(history, forecast, words) {
      const columns = forecast[0].length;
      const known = history[0].length === columns ? history : [];
      const all = [...known, ...forecast].flat();
      const scale = { count: known.length + forecast.length, least: Math.min(...all), most: Math.max(...all) };
      const lines = [...Array(columns).keys()].flatMap((column) => {
        const past = known.map((step) => step[column]);
        const ahead = forecast.map((step) => step[column]);
        const last = past.at(-1);
        return [{ values: past, kind: 'past' }, last === undefined ? { values: ahead, kind: 'ahead' }
          : { values: [last, ...ahead], start: past.length - 1, kind: 'ahead' }];
      });
      drawLines(chart, lines, scale);
      [top.textContent, bottom.textContent] = [scale.most, scale.least].map((value) => threeDigits.format(value));
      figure.setAttribute('aria-label', words);
      said.textContent = words;
      table.replaceChildren(valueTable(forecast));
    },
  };
}

/** Days like those of a year in Melbourne, made up: nobody's data, and the same each time. */
function madeUpDays() {
  const weather = (day) => 1.5 * Math.sin(0.9 * day) + 1.1 * Math.sin(2.3 * day + 1) + 0.8 * Math.sin(0.37 * day);
  return [...Array(120).keys()].map((day) => (11 + 4 * Math.sin((day + 40) / 58) + weather(day)).toFixed(1));
}

/** The steps in a text: a number or a row of numbers for each. */
function parsedSteps(text, size) {
  const rows = size === 1 ? text.split(/[\s,;]+/) : text.split('\n');
  return rows.filter((row) => row.trim()).map((row, index) => {
    const step = row.trim().split(/[\s,;]+/).map(Number);
    if (step.length !== size || !step.every(Number.isFinite)) {
      const wanted = size === 1 ? 'a number' : `${size} numbers`;
      throw new Problem(`Step ${index + 1} is “${row.trim().slice(0, 40)}”, where ${wanted} should be`);
    }
    return step;
  });
}

/** The panel of a model that reads numbers. */
function seriesPanel(model) {
  const size = model.input.size ?? 1;
  const isForecast = model.task === 'sequence-regression';
  const isTagging = model.task === 'token-classification';
  const [problem, timing, asked] = [problemLine(), timings(), html('div', {})];
  const view = isForecast ? seriesChart() : isTagging ? taggedWords() : bars();
  const requests = asker(problem, asked);
  const area = html('textarea', { id: 'text', rows: 7, dir: 'ltr', class: 'numbers', spellcheck: 'false' });
  const horizon = slider('Steps ahead', { least: 1, most: 60, step: 1, value: 14 }, debounced(150, () => predict()));

  function requestFor(steps) {
    const ahead = { horizon: Number(horizon.input.value) };
    const parameters = isForecast ? ahead : isTagging ? undefined : { top_k: 5, scores: true };
    return { path: `${model.path}:predict`, json: { instances: [steps], ...(parameters && { parameters }) } };
  }

  async function predict() {
    await requests.run(async (signal) => {
      const steps = parsedSteps(area.value, size);
      const request = requestFor(steps);
      showCommand(request);
      const { json, arrived, timing: times } = await ask(request, signal);
      draw(steps, json.predictions[0]);
      timing.draw(times);
      measureDrawing(arrived);
    });
  }

  function draw(steps, prediction) {
    if (!isForecast) return view.draw(prediction.scores ?? prediction);
    const values = prediction.value.map((value) => oneDigit.format(value)).join(', ');
    view.draw(steps, prediction.forecast, `Next: ${values}`);
    announce(`Next: ${values}`);
  }

  const example = html('button', {
    type: 'button', class: 'chip', onclick: () => {
      area.value = madeUpDays().join(', ');
      predict();
    },
  }, '120 made-up days');
  asked.append(html('form', {
    onsubmit: (event) => {
      event.preventDefault();
      predict();
    },
  }, html('label', { for: 'text' }, size === 1 ? 'Numbers, the latest last' : `A step a line, of ${size} numbers`), area,
  isForecast ? horizon.element : '',
  html('div', { class: 'row' }, html('button', { class: 'primary' }, isForecast ? 'Forecast' : 'Ask'), size === 1 ? example : '')));
  return {
    elements: twoCards(asked, [problem.element, view.element, timing.element]),
    request: requestFor(size === 1 ? madeUpDays().slice(-5).map((day) => [Number(day)]) : [Array(size).fill(0)]),
    stop: requests.stop,
  };
}
