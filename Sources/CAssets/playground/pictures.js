// Pictures: where they come from, the crops that were looked at, and what each of them says.

const samples = JSON.parse(byId('samples').textContent);

const cropModes = [
  ['center', 'Centre', 'The middle of the picture'],
  ['mirror', 'Mirror', 'The middle, and its mirror image'],
  ['five', '5', 'Four corners and the middle'],
  ['ten', '10', 'Four corners and the middle, and their mirror images (Krizhevsky et al. 2012)'],
  ['grid', '50', '5 × 5 places and their mirror images (Simonyan & Zisserman 2015)'],
  ['inception', '144', 'Four scales, three squares, six crops, two mirror images (Szegedy et al. 2015)'],
  ['dense', 'Dense', 'The network slides over the whole picture (Simonyan & Zisserman 2015)'],
].map(([value, label, hint]) => ({ value, label, hint }));

/** The file of a bundled picture; the command line finds it in the checkout. */
function sampleFile(name) {
  const [head, digits] = samples[name].split(',');
  const bytes = Uint8Array.from(atob(digits), (character) => character.charCodeAt(0));
  return new File([bytes], name, { type: head.slice(5).split(';')[0] });
}

/** The bundled pictures of the kind that a model was trained on. */
function sampleNames(model) {
  const kind = model.task === 'image-captioning' ? 'scene' : model.input?.color === 'gray' ? 'digit' : '';
  return Object.keys(samples).filter((name) => (/^(clip|digit|scene)/.exec(name)?.[0] ?? '') === kind);
}

/** A picture with what is drawn over it: boxes in its own pixels, and a map. */
function stage() {
  const image = html('img', { alt: '' });
  const map = html('canvas', { class: 'map', hidden: true, role: 'img' });
  const boxes = svg('svg', { class: 'boxes', 'aria-hidden': 'true', preserveAspectRatio: 'none' });
  const names = html('div', { class: 'glass names', 'aria-hidden': 'true' });
  const frame = html('div', { class: 'frame', hidden: true }, image, html('div', { class: 'glass' }, map), boxes, names);
  const hint = html('p', { class: 'hint' }, 'Drop a picture here, paste one, or choose below');
  const size = { width: 0, height: 0 };
  return {
    element: html('div', { class: 'stage' }, hint, frame),
    map,
    boxes,
    names,
    size,
    /** Shows a file; rejects what the browser cannot show, which the daemon may read all the same. */
    async show(file) {
      URL.revokeObjectURL(image.src);
      image.src = URL.createObjectURL(file);
      image.alt = `The picture ${file.name}`;
      [map.hidden, frame.hidden, hint.hidden] = [true, true, false];
      boxes.replaceChildren();
      names.replaceChildren();
      hint.textContent = file.name;
      await image.decode();
      [size.width, size.height] = [image.naturalWidth, image.naturalHeight];
      frame.style.setProperty('--ratio', size.width / size.height);
      frame.classList.toggle('tiny', Math.max(size.width, size.height) <= 96);
      boxes.setAttribute('viewBox', `0 0 ${size.width} ${size.height}`);
      [frame.hidden, hint.hidden] = [false, true];
    },
  };
}

/** Where a crop lies in the picture's own pixels; what hangs over its edges is the zeros that pad it. */
function placed(crop, size, preprocessing) {
  const { resize, pad = 0 } = preprocessing ?? {};
  const factor = crop.scale / Math.min(size.width, size.height);
  const [down, across] = Array.isArray(resize) && crop.scale === Math.min(...resize)
    ? [resize[0] / size.height, resize[1] / size.width] : [factor, factor];
  const [x, y, width, height] = crop.box;
  return { x: (x - pad) / across, y: (y - pad) / down, width: width / across, height: height / down };
}

/** A crop's vote as a button: in words where there is room, else as a colour. */
function vote(crop, index, count, best, look) {
  const { top1, mirrored } = crop;
  return html('button', {
    type: 'button', tabindex: index ? -1 : 0, class: top1.index === best ? 'agrees' : 'differs',
    vars: { '--sure': top1.probability }, onmouseenter: look, onfocus: look, onclick: look,
    'aria-label': `Crop ${index + 1}${mirrored ? ', mirrored' : ''}: ${className(top1)}, ${percent(top1.probability)}`,
  }, count > 12 ? [] : [html('bdi', {}, className(top1)), html('span', {}, percent(top1.probability))]);
}

/** Every crop's vote, as buttons that show the crop's box; arrow keys go from one to the next. */
function cropVotes(view, model) {
  const summary = html('p', { class: 'quiet' });
  const detail = html('p', { class: 'quiet detail', role: 'status' });
  const list = html('ul', { class: 'votes few' });
  const element = html('section', { class: 'crops', 'aria-label': 'What each crop says' },
    html('h4', {}, 'Crops'), summary, list, detail);
  let drawn = [];

  function highlight(index, crops) {
    drawn.forEach((box, other) => box.classList.toggle('chosen', other === index));
    if (index >= 0) view.boxes.append(drawn[index]);
    const crop = crops[index];
    detail.textContent = crop
      ? `Crop ${index + 1} of ${crops.length}${crop.mirrored ? ', mirrored' : ''}, shorter side ${crop.scale}: `
        + `${className(crop.top1)}, ${percent(crop.top1.probability)}`
      : '';
  }

  function step(event) {
    const buttons = [...list.querySelectorAll('button')];
    const at = buttons.indexOf(document.activeElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (to === undefined || !buttons[to]) return;
    event.preventDefault();
    buttons.forEach((button, index) => button.setAttribute('tabindex', index === to ? 0 : -1));
    buttons[to].focus();
  }

  list.addEventListener('keydown', step);
  return {
    element,
    /** Makes room for the crops of a mode before they come. */
    expect(mode) {
      const room = { center: 'few', mirror: 'few', dense: 'few', grid: 'many', inception: 'most' }[mode] ?? '';
      list.className = `votes ${room}`;
    },
    draw({ predictions, crops: { crops } }) {
      const best = predictions[0]?.index;
      const agreeing = crops.filter((crop) => crop.top1.index === best).length;
      drawn = crops.map((crop) => {
        const place = placed(crop, view.size, model.preprocessing);
        // White on black, so that it is seen on any picture.
        return svg('g', { class: 'box' }, svg('rect', { ...place, class: 'under' }), svg('rect', place));
      });
      view.boxes.replaceChildren(...drawn);
      summary.textContent = crops.length === 1 ? 'One crop was looked at; its box is drawn over the picture.'
        : `${agreeing} of ${counted(crops.length, 'crop')} ${agreeing === 1 ? 'says' : 'say'} so.`;
      list.replaceChildren(...crops.map((crop, index) =>
        html('li', {}, vote(crop, index, crops.length, best, () => highlight(index, crops)))));
      view.boxes.classList.toggle('faint', crops.length > 12);
      highlight(-1, crops);
    },
    clear() {
      view.boxes.replaceChildren();
      list.replaceChildren();
      summary.textContent = detail.textContent = '';
    },
  };
}

/** Everything that hands over a picture: files, a camera, the clipboard, a drop, and the bundled ones. */
function pictureSources(model, target, take) {
  const picker = (label, attributes) => {
    const input = html('input', {
      type: 'file', accept: 'image/*', ...attributes,
      onchange: () => {
        if (input.files[0]) take(onDisk(input.files[0]));
        input.value = '';
      },
    });
    return html('label', { class: 'button' }, input, label);
  };
  target.addEventListener('dragover', (event) => {
    event.preventDefault();
    target.classList.add('over');
  });
  target.addEventListener('dragleave', () => target.classList.remove('over'));
  target.addEventListener('drop', (event) => {
    event.preventDefault();
    target.classList.remove('over');
    if (event.dataTransfer.files[0]) take(onDisk(event.dataTransfer.files[0]));
  });
  const thumbnails = sampleNames(model).map((name) => html('button', {
    type: 'button', class: 'sample', onclick: () => take(sampleFile(name)),
  }, html('img', { src: samples[name], alt: `Try ${name.replace(/\..*/, '').replace('-', ' ')}`, width: 40, height: 40 })));
  return html('div', { class: 'row' }, picker('Choose a picture', {}), picker('Take a photo', { capture: 'environment' }),
    html('span', { class: 'samples' }, html('span', { class: 'quiet' }, 'or try'), thumbnails));
}

/** A file that the person has: the command needs no copy of it. */
const onDisk = (file) => Object.assign(file, { isOnDisk: true });

function pastedPicture(event) {
  const file = [...(event.clipboardData?.files ?? [])].find((item) => item.type.startsWith('image/'));
  return file && new File([file], `pasted.${file.type.split('/')[1]}`, { type: file.type });
}

/** The panel of a model that sorts pictures. */
function picturePanel(model) {
  const [view, problem, answer, timing] = [stage(), problemLine(), bars(), timings()];
  const votes = cropVotes(view, model);
  const asked = html('div', {});
  const requests = asker(problem, asked);
  const why = heatMap(model, view);
  let [file, mode] = [null, 'center'];

  const requestFor = (picture) => ({
    path: `${model.path}:classify`, query: { top_k: 5, crops: mode, detail: 'crops' }, file: picture,
  });

  async function classify() {
    if (!file) return;
    why.reset();
    votes.expect(mode);
    await requests.run(async (signal) => {
      const request = requestFor(file);
      showCommand(request);
      const { json, arrived, timing: times } = await ask(request, signal);
      answer.draw(json.predictions);
      votes.draw(json);
      timing.draw(times);
      measureDrawing(arrived);
      announce(answer.said);
      why.offer(file, json.predictions);
    });
  }

  async function take(picture) {
    file = picture;
    answer.clear();
    votes.clear();
    timing.clear();
    // What the browser cannot show the daemon may read, and else it says what that is.
    await view.show(picture).catch(() => {});
    await classify();
  }

  const paste = (event) => {
    const picture = pastedPicture(event);
    if (picture) take(picture);
  };
  document.addEventListener('paste', paste);
  asked.append(view.element, pictureSources(model, view.element, take),
    choice('Crops', 'crops', cropModes, mode, (value) => {
      mode = value;
      classify();
    }), why.element);
  return {
    elements: twoCards(asked, [problem.element, answer.element, votes.element, timing.element]),
    request: requestFor(sampleFile(sampleNames(model)[0])),
    stop() {
      requests.stop();
      document.removeEventListener('paste', paste);
    },
  };
}
