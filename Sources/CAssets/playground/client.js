// How the page asks the daemon: always relative to where it was opened, so that a proxy may put it under any path.

const base = new URL(location.pathname.endsWith('/') ? location.pathname : `${location.pathname}/`, location.origin);
const keyName = 'martlet-key';

const key = {
  get value() { return sessionStorage.getItem(keyName); },
  set value(text) {
    if (text) sessionStorage.setItem(keyName, text);
    else sessionStorage.removeItem(keyName);
  },
};

/** Something that did not work, as a sentence that says what and, where that is known, what to do. */
class Problem extends Error {
  constructor(text, { status = 0, code = '' } = {}) {
    super(text);
    Object.assign(this, { status, code, sentence: sentence(text) });
  }
}

const unreachable = 'The daemon did not answer: it may have ended, or the network between is down. Try again in a moment';

/** What goes over the wire for a request: `{method, path, query, json | file | form, accept}`, where a form is files. */
function described(request) {
  const query = new URLSearchParams(request.query ?? {}).toString();
  const url = new URL(request.path + (query ? `?${query}` : ''), base);
  const headers = {};
  if (request.json !== undefined) headers['Content-Type'] = 'application/json';
  if (request.accept) headers.Accept = request.accept;
  const body = request.json !== undefined ? JSON.stringify(request.json) : request.form ? formOf(request.form) : request.file;
  return { method: request.method ?? (body === undefined ? 'GET' : 'POST'), url, headers, body };
}

function formOf(files) {
  const form = new FormData();
  for (const file of files) form.append('frame', file);
  return form;
}

/** Sends a request and returns the response; asks for a key where one is needed. */
async function send(request, signal) {
  const { method, url, headers, body } = described(request);
  if (key.value) headers.Authorization = `Bearer ${key.value}`;
  let response;
  try {
    response = await fetch(url, { method, headers, body, signal, credentials: 'same-origin' });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Problem(unreachable);
  }
  if (response.ok) return response;
  const problem = await refusal(response);
  if (response.status === 401) askForKey(key.value ? problem.sentence : '');
  throw problem;
}

async function refusal(response) {
  let answer = {};
  try { answer = await response.json(); } catch { /* a proxy's page, which says less than the status */ }
  let text = answer.error ?? `the server in between answered ${response.status} ${response.statusText}`;
  const wait = response.headers.get('Retry-After');
  if (wait) text = `${sentence(text)} Try again in ${wait} s`;
  return new Problem(text, { status: response.status, code: answer.code });
}

/** Sends a request; returns its JSON, when it came, and how long what took. */
async function ask(request, signal) {
  const began = performance.now();
  const response = await send(request, signal);
  const json = await response.json();
  const arrived = performance.now();
  return { json, arrived, timing: { ...serverTiming(response), wire: arrived - began } };
}

/** The milliseconds of `Server-Timing`, such as `decode;dur=0.143, total;dur=1.2`. */
function serverTiming(response) {
  const timing = {};
  for (const part of (response.headers.get('Server-Timing') ?? '').split(',')) {
    const [name, duration] = part.trim().split(';dur=');
    if (duration) timing[name] = Number(duration);
  }
  return timing;
}

/** The events of a response that comes piece by piece, each as JSON. */
async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (rest + value).split('\n\n');
    rest = parts.pop();
    for (const part of parts) {
      const data = part.replace(/^data: ?/, '');
      if (data && data !== '[DONE]') yield JSON.parse(data);
    }
  }
}

/** A text as one word of a shell. */
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** The command that sends the same request. */
function curlCommand(request) {
  const { method, url, headers, body } = described(request);
  const words = [`curl ${request.streamed ? '-N ' : ''}${quoted(url.href)}`];
  if (key.value) words.push('-H "Authorization: Bearer $MARTLET_KEY"');
  for (const [name, value] of Object.entries(headers)) words.push(`-H ${quoted(`${name}: ${value}`)}`);
  if (request.file) words.push(`--data-binary @${shellName(request.file.name)}`);
  else if (request.form) words.push(...request.form.map(({ name }) => `-F frame=@${shellName(name)}`));
  else if (body !== undefined) words.push(`-d ${quoted(body)}`);
  else if (method !== 'GET') words.push(`-X ${method}`);
  return words.join(' \\\n  ');
}

const shellName = (name) => (/^[\w.-]+$/.test(name) ? name : quoted(name));

/** Shows the command of the request that was sent last. */
function showCommand(request) {
  byId('curl').textContent = curlCommand(request);
  byId('copy').textContent = 'Copy as curl';
  const note = byId('curl-note');
  note.replaceChildren();
  if (key.value) note.append('Put your key in MARTLET_KEY first. ');
  if (request.file && !request.file.isOnDisk) note.append(html('a', downloadOf(request.file), `Save ${request.file.name}`));
}

const downloadOf = (file) => ({ href: URL.createObjectURL(file), download: file.name });

async function copyCommand() {
  const text = byId('curl').textContent;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Pages that did not come over HTTPS have no clipboard: the text is selected for the person to copy.
    getSelection().selectAllChildren(byId('curl'));
    document.execCommand('copy');
  }
  byId('copy').textContent = 'Copied';
  announce('The command is copied.');
}

/** Opens the form for a key. */
function askForKey(problem) {
  byId('key-form').hidden = false;
  byId('notice').hidden = true;
  const line = byId('key-problem');
  line.hidden = !problem;
  line.textContent = problem;
  byId('key').focus();
}

/** The paths that the daemon answers, by its own description; what is not there is not offered. Asked for once it is needed. */
const abilities = {
  asked: null,
  paths() {
    this.asked ??= ask({ path: 'openapi.json' }).then(({ json }) => new Set(Object.keys(json.paths).map((path) => path.slice(1))));
    this.asked.catch(() => { this.asked = null; });
    return this.asked;
  },
  /** Whether it says why; one that does not describe itself to this page does not either. */
  explains() { return this.paths().then((paths) => paths.has('v1/models/{model}:explain'), () => false); },
};
