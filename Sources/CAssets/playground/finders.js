// Pictures in which something is found: boxes around objects, a class for each pixel; and vectors of pictures.

/** The panel of a model that answers pictures in another way than by classes: `answered` has what shows an answer. */
function finderPanel(model, { verb, query, answered }) {
  const [view, problem, timing] = [stage(), problemLine(), timings()];
  const asked = html('div', {});
  const requests = asker(problem, asked);
  const answer = answered(view, model);
  const requestFor = (picture) => ({ path: `${model.path}:${verb}`, query, file: picture });

  async function take(picture) {
    answer.clear();
    timing.clear();
    // What the browser cannot show the daemon may read, and else it says what that is.
    await view.show(picture).catch(() => {});
    await requests.run(async (signal) => {
      const request = requestFor(picture);
      showCommand(request);
      const { json, arrived, timing: times } = await ask(request, signal);
      answer.draw(json);
      timing.draw(times);
      measureDrawing(arrived);
      announce(answer.said);
    });
  }

  const paste = (event) => {
    const picture = pastedPicture(event);
    if (picture) take(picture);
  };
  document.addEventListener('paste', paste);
  asked.append(view.element, pictureSources(model, view.element, take), ...answer.controls);
  return {
    elements: twoCards(asked, [problem.element, ...answer.elements, timing.element]),
    request: requestFor(sampleFile(sampleNames(model)[0])),
    stop() {
      requests.stop();
      document.removeEventListener('paste', paste);
    },
  };
}

/** An answer in one line, and a list below it; both have their places before there is one. */
function told(rows) {
  const verdict = html('p', { class: 'verdict', dir: 'auto' }, html('span', { class: 'unasked' }, 'The answer comes here.'));
  const list = html('ol', { class: 'bars', vars: { '--rows': rows } });
  return {
    elements: [html('div', {}, verdict, list)],
    say(text, entries) {
      verdict.replaceChildren(html('bdi', {}, text));
      list.replaceChildren(...entries);
    },
    clear() {
      verdict.textContent = '\u00a0';
      list.replaceChildren();
    },
  };
}

/** A colour for each class, far from its neighbours', the same as in the pictures that the daemon draws. */
const boxColours = ['#e69f00', '#56b4e9', '#009e73', '#f0e442', '#0072b2', '#d55e00', '#cc79a7'];

const swatch = (colour) => html('i', { class: 'swatch', 'aria-hidden': 'true', vars: { '--swatch': colour } });

/** A class with a colour, a bar and what is said of it. */
function colouredBar(entry, colour, share, value) {
  return html('li', {},
    html('bdi', { class: 'label', title: className(entry) }, swatch(colour), className(entry)),
    html('span', { class: 'track', 'aria-hidden': 'true' }, html('i', { vars: { '--share': share } })),
    html('span', { class: 'value' }, value));
}

/** How many there are of each class, in words: `2 × person, 1 × dog`. */
function tally(detections) {
  const counts = new Map();
  for (const detection of detections) counts.set(className(detection), (counts.get(className(detection)) ?? 0) + 1);
  return [...counts].map(([name, count]) => `${count} × ${name}`).join(', ');
}

/** Boxes over the picture, of those that are as sure as the slider says: all were asked for, the slider asks nothing. */
function boxesOver(view, model) {
  const shown = told(8);
  let detections = [];
  const least = slider('At least as sure as', { least: 0.05, most: 0.95, step: 0.05, value: model.threshold ?? 0.25 }, draw);
  const answer = { elements: shown.elements, controls: [least.element], said: '' };

  function draw() {
    const found = detections.filter(({ score }) => score >= Number(least.input.value));
    const { width, height } = view.size;
    view.boxes.replaceChildren(...found.map(({ box: [x, y, right, bottom], index }) => {
      const place = { x, y, width: right - x, height: bottom - y };
      const line = svg('rect', { ...place, class: 'line-of-class' });
      line.style.setProperty('--swatch', boxColours[index % boxColours.length]);
      return svg('g', { class: 'box found' }, svg('rect', { ...place, class: 'under' }), line);
    }));
    view.names.replaceChildren(...found.map((detection) => html('span', {
      vars: {
        '--left': `${100 * detection.box[0] / width}%`, '--top': `${100 * detection.box[1] / height}%`,
        '--swatch': boxColours[detection.index % boxColours.length],
      },
    }, className(detection))));
    answer.said = found.length ? tally(found) : 'Nothing is found.';
    shown.say(answer.said, found.map((detection) => colouredBar(
      detection, boxColours[detection.index % boxColours.length], detection.score, percent(detection.score))));
  }

  answer.draw = (json) => {
    detections = json.detections;
    draw();
  };
  answer.clear = () => {
    detections = [];
    shown.clear();
    view.boxes.replaceChildren();
    view.names.replaceChildren();
  };
  return answer;
}

/** Draws runs of classes onto a canvas of as many pixels; the background is left clear. */
function drawRuns(canvas, { height, width, runs }, colours) {
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext('2d');
  const pixels = context.createImageData(width, height);
  const words = new Uint32Array(pixels.data.buffer);
  for (let run = 0, place = 0; run < runs.length; run += 2) {
    words.fill(colours.get(runs[run]) ?? 0, place, place += runs[run + 1]);
  }
  context.putImageData(pixels, 0, 0);
}

/** `#rrggbb` as a pixel of a canvas, on machines whose lowest byte comes first. */
const pixelOf = (colour) => {
  const value = Number.parseInt(colour.slice(1), 16);
  return (0xff000000 | (value & 0xff) << 16 | value & 0xff00 | value >> 16) >>> 0;
};

/** A class for each pixel over the picture, with a legend. */
function masksOver(view) {
  const shown = told(8);
  const opacity = slider('Opacity', { least: 0, most: 100, step: 1, value: 65 }, (value) => {
    view.map.style.setProperty('--opacity', value / 100);
  });
  const answer = { elements: shown.elements, controls: [opacity.element], said: '' };
  answer.draw = ({ map, classes }) => {
    const colours = new Map(classes.filter(({ index }) => index > 0).map(({ index, color }) => [index, pixelOf(color)]));
    const whole = { '--left': '0%', '--top': '0%', '--width': '100%', '--height': '100%' };
    for (const [name, value] of Object.entries(whole)) view.map.style.setProperty(name, value);
    drawRuns(view.map, map, colours);
    view.map.hidden = false;
    const order = [...classes].sort((one, other) => other.pixels - one.pixels);
    answer.said = order.map((entry) => `${className(entry)} ${percent(entry.share)}`).join(', ');
    view.map.setAttribute('aria-label', `Classes of the picture: ${answer.said}`);
    shown.say(counted(classes.length, 'class', 'classes'),
      order.map((entry) => colouredBar(entry, entry.color, entry.share, percent(entry.share))));
  };
  answer.clear = () => {
    shown.clear();
    view.map.hidden = true;
  };
  return answer;
}

/** A vector, of which the first numbers are shown. */
function vectorOf() {
  const shown = told(8);
  const answer = { elements: shown.elements, controls: [], said: '', clear: shown.clear };
  answer.draw = ({ embedding }) => {
    const most = Math.max(1e-9, ...embedding.map(Math.abs));
    answer.said = counted(embedding.length, 'number');
    shown.say(answer.said, embedding.slice(0, 8).map((number, index) =>
      bar({ label: `number ${index + 1}`, index, probability: Math.abs(number) / most }, threeDigits.format(number))));
  };
  return answer;
}

const finders = {
  'object-detection': { verb: 'detect', query: { threshold: 0.05 }, answered: boxesOver },
  'semantic-segmentation': { verb: 'segment', answered: masksOver },
  'image-captioning': { verb: 'caption', query: { detail: 'attention' }, answered: wordsOver },
  embedding: { verb: 'embed', answered: vectorOf },
};

/** A model that takes tensors is asked by programs; the page shows where they find what it takes. */
function tensorPanel(model) {
  const ports = (list) => (list ?? []).map(({ name, datatype, shape }) => `${name}: ${datatype} ${shape.join(' × ') || 'number'}`);
  const card = (title, list) => html('section', { class: 'card', 'aria-label': title },
    html('h3', {}, title), html('ul', {}, ports(list).map((port) => html('li', {}, html('bdi', {}, port)))));
  return {
    elements: [card('What goes in', model.input?.tensors), card('What comes out', model.outputs)],
    request: { path: `v2/models/${encodeURIComponent(model.name)}` },
  };
}
