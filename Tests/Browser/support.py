"""What the tests of the playground share: daemons, models of random weights, a proxy, and a browser that takes notes."""
import contextlib
import json
import os
import pathlib
import random
import shutil
import socket
import struct
import subprocess
import sys
import threading
import http.client
import http.server

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "Harness"))
from daemon import ROOT, WORK, Daemon, models_folder, until

OUTPUT = ROOT / ".build/browser"
BUNDLED = ("cells", "cifar10", "clips", "deu-eng", "digits", "objects", "scenes", "sentiment", "shakespeare", "surnames",
           "tagger", "temperature")

# Runs in every page before its own script: what moves without anybody having asked for it.
SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts.push({
    value: entry.value, moved: entry.sources.map(({ node }) => node?.id || node?.className || node?.nodeName).join(' ') });
}).observe({ type: 'layout-shift', buffered: true });
"""


def write_model(folder, name, manifest, shapes, **texts):
    """A model of small random weights."""
    model = folder / name
    model.mkdir()
    (model / "model.json").write_text(json.dumps(manifest))
    for file, lines in texts.items():
        (model / f"{file}.txt").write_text("\n".join(lines))
    numbers, header, data = random.Random(1), {}, b""
    for tensor, shape in shapes.items():
        count = 1
        for side in shape:
            count *= side
        values = struct.pack(f"<{count}f", *(numbers.uniform(-0.4, 0.4) for _ in range(count)))
        header[tensor] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    head = json.dumps(header).encode()
    (model / "model.safetensors").write_bytes(struct.pack("<Q", len(head)) + head + data)


def all_models():
    """The bundled models, and one of each kind that is not among them."""
    folder = models_folder(*BUNDLED)
    hidden, words = 16, [f"w{index}" for index in range(18)]
    write_model(folder, "translator", {
        "architecture": "encoder_decoder", "task": "sequence-to-sequence",
        "input": {"kind": "text", "tokenizer": "words", "vocabulary": "source.txt", "unknown": "<unk>", "end": "<eos>", "max_length": 20},
        "output": {"kind": "text", "tokenizer": "words", "vocabulary": "target.txt", "start": "<sos>", "end": "<eos>",
                   "max_length": 12}}, {
        "encoder.embedding.weight": [20, 8], "encoder.rnn.weight_ih_l0": [4 * hidden, 8],
        "encoder.rnn.weight_hh_l0": [4 * hidden, hidden], "encoder.rnn.bias_ih_l0": [4 * hidden],
        "encoder.rnn.bias_hh_l0": [4 * hidden], "decoder.embedding.weight": [20, 8],
        "decoder.rnn.weight_ih_l0": [4 * hidden, 8], "decoder.rnn.weight_hh_l0": [4 * hidden, hidden],
        "decoder.rnn.bias_ih_l0": [4 * hidden], "decoder.rnn.bias_hh_l0": [4 * hidden],
        "attention.weight": [hidden, hidden], "concat.weight": [hidden, 2 * hidden], "concat.bias": [hidden],
        "head.weight": [20, hidden], "head.bias": [20]},
        source=["<unk>", "<eos>", *words], target=["<sos>", "<eos>", *words])
    write_model(folder, "steps", {
        "architecture": "gru", "task": "sequence-regression", "input": {"kind": "features", "size": 3}}, {
        "rnn.weight_ih_l0": [3 * hidden, 3], "rnn.weight_hh_l0": [3 * hidden, hidden], "rnn.bias_ih_l0": [3 * hidden],
        "rnn.bias_hh_l0": [3 * hidden], "head.weight": [3, hidden], "head.bias": [3]})
    preprocessing = {"resize": [32, 32], "interpolation": "nearest"}
    for name, manifest in {
        "detector": {"task": "object-detection", "labels": ["red", "blue"], "boxes": "yolov8", "threshold": 0.5, "nms": 0.3,
                     "preprocessing": {"resize": {"letterbox": [64, 64]}, "interpolation": "nearest"}},
        "segmenter": {"task": "semantic-segmentation", "labels": ["ground", "red", "blue"], "output": "classes",
                      "preprocessing": preprocessing},
        "embedder": {"task": "embedding", "output": "classes", "normalize": True, "preprocessing": preprocessing},
        "pair": {"task": "tensors"},
    }.items():
        (folder / name).mkdir()
        (folder / name / "model.json").write_text(json.dumps(manifest))
        network = "segmenter" if name == "embedder" else name
        shutil.copy(ROOT / f"Tests/ServingTests/Fixtures/{network}.onnx", folder / name / "model.onnx")
    shutil.copytree(folder / "digits", folder / "broken")
    (folder / "broken/model.safetensors").write_bytes(b"no tensors")
    return folder


class Prefix:
    """A proxy that has a daemon under /martlet: nginx where there is one, else a few lines that do the same."""

    def __init__(self, daemon):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process = self.server = None
        if shutil.which("nginx"):
            self.begin_nginx(daemon.port)
        else:
            self.begin_own(daemon.port)

    def begin_nginx(self, port):
        paths = "".join(f"{name}_temp_path {WORK}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        config = WORK / "nginx.conf"
        config.write_text(
            f"daemon off; pid {WORK}/nginx.pid; error_log {WORK}/nginx.log; events {{ worker_connections 64; }}\n"
            f"http {{ {paths} access_log off; client_max_body_size 32m; proxy_buffering off;\n"
            f"server {{ listen 127.0.0.1:{self.port};\n"
            f"location = /martlet {{ proxy_pass http://127.0.0.1:{port}/; }}\n"
            f"location /martlet/ {{ proxy_pass http://127.0.0.1:{port}/; }} }} }}\n")
        self.process = subprocess.Popen(["nginx", "-c", config, "-e", WORK / "nginx.log"])

    def begin_own(self, port):
        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                path = "/" + self.path.removeprefix("/martlet").removeprefix("/")
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                upstream = http.client.HTTPConnection("127.0.0.1", port)
                upstream.request(self.command, path, body, {
                    name: value for name, value in self.headers.items() if name.lower() not in ("connection", "host")})
                answer = upstream.getresponse()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("transfer-encoding", "connection"):
                        self.send_header(name, value)
                self.end_headers()
                shutil.copyfileobj(answer, self.wfile)

            do_POST = do_GET
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def is_listening(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait()
        if self.server:
            self.server.shutdown()


class Notes:
    """What the browser told of all pages: errors, requests, shifts, and how long drawing took."""

    def __init__(self):
        self.shifts, self.drawn, self.ready = [], [], []


class Tab:
    """A page with what it must not do: write errors, ask other servers, or move things about."""

    def __init__(self, browser, notes, daemon, path="/", **context):
        self.notes, self.daemon, self.errors, self.requests = notes, daemon, [], []
        self.expected_failures = 0
        self.origin = f"http://127.0.0.1:{daemon.port}"
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **context})
        self.context.grant_permissions(["clipboard-read", "clipboard-write"])
        self.context.add_init_script(SHIFTS)
        self.page = self.context.new_page()
        self.page.set_default_timeout(20_000)
        self.page.on("console", lambda message: self.errors.append(message.text) if message.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(self.origin + path)

    def wait_until_ready(self):
        self.page.locator("#model:not([hidden])").wait_for()
        return self

    def open(self, model):
        self.page.locator("#models button", has=self.page.locator("bdi", has_text=model)).click()
        self.page.locator("#model-name", has_text=model).wait_for()
        return self.page

    def screenshot(self, name):
        self.page.screenshot(path=OUTPUT / f"{name}.png", full_page=True)

    def count_of(self, path):
        return sum(path in url for url in self.requests)

    def close(self):
        """Ends the page, and says what it did that it must not."""
        self.notes.shifts += self.page.evaluate("window.shifts")
        self.notes.drawn += self.page.evaluate("performance.getEntriesByName('martlet:drawn').map((entry) => [entry.duration, entry.detail])")
        self.notes.ready += self.page.evaluate("performance.getEntriesByName('martlet:ready').map((entry) => entry.startTime)")
        self.context.close()
        foreign = [url for url in self.requests if not url.startswith((self.origin + "/", "data:", f"blob:{self.origin}/"))]
        assert not foreign, f"the page asked {foreign}"
        # The browser itself writes a line for every refusal.
        refusals = [line for line in self.errors if line.startswith("Failed to load resource")]
        others = [line for line in self.errors if line not in refusals]
        assert not others, f"the console says {others}"
        assert len(refusals) <= self.expected_failures, f"the console says {refusals}"


@contextlib.contextmanager
def tab(browser, notes, daemon, path="/", **context):
    opened = Tab(browser, notes, daemon, path, **context)
    yield opened
    opened.close()


def answer(daemon, path, body, type=None):
    """What the daemon itself answers, for comparison."""
    status, text = daemon.ask("POST", path, body, {"Content-Type": type} if type else {})
    assert status == 200, text
    return json.loads(text)


def sandbox_arguments():
    """Chromium refuses its sandbox to root."""
    return ["--no-sandbox"] if os.geteuid() == 0 else []
