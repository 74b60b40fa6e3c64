"""A Martlet daemon of its own for a test: started, told to end, killed, measured."""
import atexit
import http.client
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
WEIGHTS = ROOT / "weights"

# Gone at the end, like every daemon that a failed test leaves.
WORK = pathlib.Path(tempfile.mkdtemp(prefix="martlet-test-"))
running = []


@atexit.register
def clean():
    for process in running:
        if process.poll() is None:
            process.kill()
    shutil.rmtree(WORK, ignore_errors=True)


# A test that is told to end leaves no daemon either.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))


def binary():
    """The daemon's program: what MARTLET names, or the release build."""
    path = pathlib.Path(os.environ.get("MARTLET", ROOT / ".build/release/martlet"))
    if not path.exists():
        raise SystemExit(f"{path} is not there: run `swift build -c release --product martlet` first")
    return str(path)


def until(condition, what, seconds=60):
    """Waits for a condition, and returns its value; fails when it does not come."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"{what}: not within {seconds} s")


def models_folder(*names):
    """A folder of its own with some of the bundled models, or copies of one as (NAME, MODEL)."""
    folder = pathlib.Path(tempfile.mkdtemp(dir=WORK))
    for name in names:
        to, source = (name, name) if isinstance(name, str) else name
        shutil.copytree(WEIGHTS / source, folder / to)
    return folder


def other_weights(file):
    """Turns the sign of every number in the last quarter of a safetensors file of float32: another valid model."""
    old = file.read_bytes()
    start = 8 + int.from_bytes(old[:8], "little")
    start += (len(old) - start) * 3 // 4 & ~3
    new = bytearray(old)
    for index in range(start + 3, len(new), 4):
        new[index] ^= 0x80
    new_file = file.with_suffix(".new")
    new_file.write_bytes(new)
    new_file.replace(file)


class Daemon:
    """A process that serves a folder of models on the loopback; it keeps its port over restarts.

    `command` goes before the daemon's own: `["prlimit", "--nofile=64"]`. It has to end in an exec. Algorithms are not chosen
    by measuring them, unless a test asks for it: a choice may change last bits.
    """

    def __init__(self, models, *arguments, command=(), environment=None, log=None):
        self.models, self.arguments, self.command = pathlib.Path(models), arguments, tuple(command)
        self.environment = {**os.environ, "MARTLET_TUNE": "false", **(environment or {})}
        self.log_path = log or tempfile.mktemp(dir=WORK)
        self.port = 0
        self.start()

    def start(self, wait=True):
        log = open(self.log_path, "a+")
        log.seek(0, os.SEEK_END)
        begin = log.tell()
        self.process = subprocess.Popen(
            [*self.command, binary(), "serve", "--models", str(self.models), "--port", str(self.port),
             *map(str, self.arguments)],
            stdout=log, stderr=log, env=self.environment, start_new_session=True)
        log.close()
        running.append(self.process)

        def listening():
            assert self.process.poll() is None, f"the daemon ended: {self.log()[-2000:]}"
            with open(self.log_path, errors="replace") as text:
                text.seek(begin)
                return re.search(r"^listening on http://\S+:(\d+)$", text.read(), re.M)
        self.port = int(until(listening, "the daemon listens").group(1))
        if wait:
            until(self.is_ready, "the daemon is ready")

    def log(self):
        with open(self.log_path, errors="replace") as text:
            return text.read()

    def ask(self, method, path, body=None, headers=None, timeout=30, source=None):
        """One request over a connection of its own: status and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout, source_address=source)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def is_ready(self):
        try:
            return self.ask("GET", "/readyz", timeout=5)[0] == 200
        except OSError:
            return False

    def is_alive(self):
        return self.process.poll() is None

    def kill(self):
        self.process.kill()
        self.process.wait()

    def terminate(self):
        self.process.terminate()

    def hang_up(self):
        self.process.send_signal(signal.SIGHUP)

    def stop(self, seconds=60):
        """Ends it as a service manager would; returns its exit status."""
        if self.is_alive():
            self.terminate()
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the daemon did not end within {seconds} s of SIGTERM") from None

    def resident_mb(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1)) / 1024

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def metric(self, name):
        """The sum of a metric's samples."""
        text = self.ask("GET", "/metrics")[1].decode()
        return sum(float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.M))
