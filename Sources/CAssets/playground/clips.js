// Clips: pictures one after the other, as a camera gives them.

const frameMilliseconds = 250;

/** Pictures that the page can show for the frames of a clip; of an animation that it cannot take apart, the whole of it. */
async function framesOf([file, ...others]) {
  if (others.length || file.type !== 'image/gif' || !window.ImageDecoder) return [file, ...others].map(URL.createObjectURL);
  const decoder = new ImageDecoder({ data: await file.arrayBuffer(), type: file.type });
  await Promise.all([decoder.tracks.ready, decoder.completed]);
  const frames = [];
  for (let frameIndex = 0; frameIndex < decoder.tracks.selectedTrack.frameCount; frameIndex += 1) {
    const { image } = await decoder.decode({ frameIndex });
    const canvas = html('canvas', { width: image.displayWidth, height: image.displayHeight });
    canvas.getContext('2d').drawImage(image, 0, 0);
    image.close();
    frames.push(canvas.toDataURL());
  }
  decoder.close();
  return frames;
}

/** Plays frames with what was said of each; a slider goes through them, and so does a strip of all. */
function player() {
  const image = html('img', { alt: '' });
  const frame = html('div', { class: 'frame', hidden: true }, image);
  const hint = html('p', { class: 'hint' }, 'Drop an animated GIF here, or choose one, or pictures in the order of their names');
  const button = html('button', { type: 'button', disabled: true, onclick: () => (timer ? pause() : play()) }, 'Play');
  const place = slider('Frame', { least: 0, most: 0, step: 1, value: 0 }, (index) => {
    pause();
    show(index);
  });
  const verdict = html('p', { class: 'verdict', dir: 'auto' }, html('span', { class: 'unasked' }, 'The answer comes here.'));
  const strip = taggedWords('frames');
  let [pictures, tags, at, timer] = [[], [], 0, null];
  place.input.disabled = true;

  function show(index) {
    at = index;
    image.src = pictures[index] ?? pictures[0];
    image.alt = `Frame ${index}`;
    place.input.value = place.element.querySelector('output').textContent = index;
    if (!tags.length) return;
    verdict.replaceChildren(html('bdi', {}, className(tags[index])), html('span', {}, percent(tags[index].probability)));
    [...strip.element.children].forEach((item, other) => (other === index ? item.setAttribute('aria-current', 'true') : item.removeAttribute('aria-current')));
  }

  function pause() {
    clearInterval(timer);
    timer = null;
    button.textContent = 'Play';
  }

  function play() {
    const last = Number(place.input.max);
    if (at === last) show(0);
    button.textContent = 'Pause';
    timer = setInterval(() => (at < last ? show(at + 1) : pause()), frameMilliseconds);
  }

  return {
    element: html('div', { class: 'stage' }, hint, frame),
    controls: html('div', { class: 'row' }, button, place.element),
    answers: [html('div', {}, verdict),
      html('div', { class: 'strip', tabindex: 0, role: 'region', 'aria-label': 'What was said' }, strip.element)],
    pause,
    /** Takes other frames, of which nothing is said yet. */
    async open(files) {
      pause();
      pictures.forEach(URL.revokeObjectURL);
      // What the browser cannot show the daemon may read, and else it says what that is.
      pictures = await framesOf(files).catch(() => files.map(URL.createObjectURL));
      tags = [];
      strip.clear();
      verdict.textContent = '\u00a0';
      place.input.max = pictures.length - 1;
      show(0);
      [frame.hidden, hint.hidden] = await image.decode().then(() => [false, true], () => [true, false]);
      frame.style.setProperty('--ratio', image.naturalWidth / image.naturalHeight || 1);
      frame.classList.toggle('tiny', Math.max(image.naturalWidth, image.naturalHeight) <= 96);
      button.disabled = place.input.disabled = pictures.length < 2;
    },
    /** Takes what was said of each frame, and plays them, where things may move of themselves. */
    tell(said) {
      tags = said;
      strip.draw(tags);
      [...strip.element.children].forEach((item, index) => {
        item.addEventListener('click', () => {
          pause();
          show(index);
        });
        if (pictures[index]) item.prepend(html('img', { src: pictures[index], alt: '', width: 44, height: 44 }));
      });
      place.input.max = tags.length - 1;
      button.disabled = place.input.disabled = tags.length < 2;
      show(0);
      if (tags.length > 1 && !matchMedia('(prefers-reduced-motion: reduce)').matches) play();
    },
  };
}

/** The panel of a model that reads clips: an animation, or pictures in the order of their names. */
function clipPanel(model) {
  const [problem, timing, view, asked] = [problemLine(), timings(), player(), html('div', {})];
  const isTagger = model.task === 'token-classification';
  const classes = isTagger ? null : bars();
  const names = html('p', { class: 'quiet', role: 'status' }, 'Nothing is chosen.');
  const requests = asker(problem, asked);
  const input = html('input', { type: 'file', accept: 'image/*', multiple: true, onchange: () => take([...input.files].map(onDisk)) });

  const requestFor = (files) => ({
    path: `${model.path}:predict`, ...(isTagger ? {} : { query: { top_k: 5 } }), ...(files.length > 1 ? { form: files } : { file: files[0] }),
  });

  async function take(files) {
    if (!files.length) return;
    files.sort((one, other) => one.name.localeCompare(other.name, 'en', { numeric: true }));
    names.textContent = `${counted(files.length, 'file')}: ${files.map(({ name }) => name).join(', ')}`;
    await view.open(files);
    await requests.run(async (signal) => {
      const request = requestFor(files);
      showCommand(request);
      const { json, arrived, timing: times } = await ask(request, signal);
      const [prediction] = json.predictions;
      if (isTagger) view.tell(prediction);
      else classes.draw(prediction.scores);
      timing.draw(times);
      measureDrawing(arrived);
      announce(isTagger ? `${counted(prediction.length, 'frame')} read.` : classes.said);
    });
  }

  view.element.addEventListener('drop', (event) => {
    event.preventDefault();
    take([...event.dataTransfer.files].map(onDisk));
  });
  // The animation itself would go on and on there.
  const sample = html('button', { type: 'button', class: 'sample', onclick: () => take([sampleFile('clip.gif')]) },
    html('img', { src: samples['digit-7.png'], alt: 'Try a digit that moves', width: 40, height: 40 }));
  asked.append(view.element, view.controls, html('div', { class: 'row' },
    html('label', { class: 'button' }, input, 'Choose a clip'), html('span', { class: 'quiet' }, 'or try'), sample), names);
  return {
    elements: twoCards(asked, [problem.element, ...(isTagger ? view.answers : [classes.element]), timing.element]),
    request: requestFor([sampleFile('clip.gif')]),
    stop() {
      requests.stop();
      view.pause();
    },
  };
}
