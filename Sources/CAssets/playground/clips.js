// Clips: pictures one after the other, as a camera gives them.
/** The panel of a model that reads clips: pictures in the order of their names. */
function clipPanel(model) {
  const [problem, timing, asked] = [problemLine(), timings(), html('div', {})];
  const view = model.task === 'token-classification' ? taggedWords() : bars();
  const names = html('p', { class: 'quiet', role: 'status' }, 'No pictures are chosen.');
  const requests = asker(problem, asked);
  const input = html('input', { type: 'file', accept: 'image/*', multiple: true, onchange: () => take([...input.files]) });

  const requestFor = (frames) => ({
    path: `${model.path}:predict`,
    json: { instances: [frames], ...(model.task === 'token-classification' ? {} : { parameters: { top_k: 5, scores: true } }) },
  });

  function take(files) {
    files.sort((one, other) => one.name.localeCompare(other.name, 'en', { numeric: true }));
    names.textContent = `${counted(files.length, 'picture')}: ${files.map(({ name }) => name).join(', ')}`;
    return requests.run(async (signal) => {
      const request = requestFor(await Promise.all(files.map(async (file) => ({ b64: await base64(file) }))));
      showCommand(request);
      const { json, arrived, timing: times } = await ask(request, signal);
      view.draw(json.predictions[0].scores ?? json.predictions[0]);
      timing.draw(times);
      measureDrawing(arrived);
    });
  }

  asked.append(html('div', { class: 'row' }, html('label', { class: 'button' }, input, 'Choose the pictures of a clip')), names);
  return {
    elements: twoCards(asked, [problem.element, view.element, timing.element]),
    request: requestFor([{ b64: '…' }]),
    stop: requests.stop,
  };
}

async function base64(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text = '';
  for (let start = 0; start < bytes.length; start += 0x8000) text += String.fromCharCode(...bytes.subarray(start, start + 0x8000));
  return btoa(text);
}
