"""Requests with the one answer each must get, and clients that send them until they are told to stop."""
import base64
import collections
import dataclasses
import http.client
import json
import socket
import threading
import time

from daemon import WEIGHTS


@dataclasses.dataclass
class Exchange:
    """A request, and the answers that are right: pairs of status and essence."""
    name: str
    method: str
    path: str
    body: bytes = b""
    type: str = "application/octet-stream"
    right: set = dataclasses.field(default_factory=set)

    def learn(self, daemon, status=200):
        """Asks a daemon that nothing else is asked of, and keeps its answer as a right one."""
        answer = daemon.ask(self.method, self.path, self.body, {"Content-Type": self.type})
        assert answer[0] == status, f"{self.name}: {answer[0]} for {status}: {answer[1][:300]}"
        self.right.add(essence(*answer))
        return self

    def fault(self, status, body):
        """What is wrong with an answer; nil when it is right."""
        if essence(status, body) in self.right:
            return None
        return f"{self.name}: wrong answer {status} {body[:200]}"


def essence(status, body):
    """All of an answer that must be the same each time: everything but times; of an error its code.

    Numbers are compared as they are written, so to the last bit.
    """
    def strip(value):
        if isinstance(value, dict):
            return {key: strip(item) for key, item in value.items() if key not in ("timing_ms", "version", "error")}
        return [strip(item) for item in value] if isinstance(value, list) else value
    try:
        text = json.dumps(strip(json.loads(body, parse_float=str)), sort_keys=True)
    except ValueError:
        text = "\n".join(line for line in body.decode(errors="replace").splitlines() if "timing_ms" not in line)
    return status, text


def example(name):
    return (WEIGHTS / "examples" / name).read_bytes()


def digits(model="digits"):
    return Exchange("digits", "POST", f"/v1/models/{model}:classify?top_k=10", example("digit-7.png"))


def predict(model, instance, **parameters):
    body = {"instances": [instance], "parameters": parameters} if parameters else {"instances": [instance]}
    return Exchange(model, "POST", f"/v1/models/{model}:predict", json.dumps(body).encode(), "application/json")


def images_json(model="digits"):
    images = [base64.b64encode(example(name)).decode() for name in ("digit-7.png", "digit-3.png")]
    body = json.dumps({"images": images}).encode()
    return Exchange("images", "POST", f"/v1/models/{model}:classify", body, "application/json")


class Connection:
    """A connection that stays open between requests, to a daemon or, with TLS, to a proxy."""

    def __init__(self, port, tls=None, timeout=60):
        if tls:
            self.http = http.client.HTTPSConnection("127.0.0.1", port, timeout=timeout, context=tls)
        else:
            self.http = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)

    def ask(self, method, path, body=b"", headers=None):
        """Status and body; a failure of the connection is raised, and the next request opens another."""
        try:
            if self.http.sock is None:
                self.http.connect()
                self.http.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.http.request(method, path, body, headers or {})
            answer = self.http.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            self.http.close()
            raise

    def send(self, exchange):
        """What is wrong with the answer to an exchange; nil when it is right."""
        try:
            return exchange.fault(*self.ask(exchange.method, exchange.path, exchange.body, {"Content-Type": exchange.type}))
        except (OSError, http.client.HTTPException) as error:
            return f"{exchange.name}: {type(error).__name__} {error}"


class Load:
    """Threads that call `turn(client, round)` again and again; what it returns is a fault, or nil.

    `turn` may be a list of exchanges: each client sends them in turn over a connection of its own to `port`.
    """

    def __init__(self, clients, turn, port=None, tls=None, pause=0.0):
        self.faults, self.done, self.pause = [], [], pause
        self.stopped = threading.Event()
        if isinstance(turn, list):
            exchanges, connections = turn, [Connection(port, tls) for _ in range(clients)]
            turn = lambda client, round: connections[client].send(exchanges[(client + round) % len(exchanges)])
        self.threads = [threading.Thread(target=self.run, args=(turn, client)) for client in range(clients)]
        for thread in self.threads:
            thread.start()

    def run(self, turn, client):
        round = 0
        while not self.stopped.is_set():
            begin = time.monotonic()
            try:
                fault = turn(client, round)
            except Exception as error:  # a test's own mistake is a fault too, not a silent thread
                fault = f"client {client}: {type(error).__name__} {error}"
            end = time.monotonic()
            self.done.append((end, end - begin))
            if fault:
                self.faults.append(fault)
                time.sleep(0.02)
            round += 1
            if self.pause:
                time.sleep(self.pause)

    def stop(self):
        """Lets each client finish its request; returns how many there were."""
        self.stopped.set()
        for thread in self.threads:
            thread.join()
        return len(self.done)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def check(self):
        """Fails when anything went wrong, and says what most often."""
        counts = collections.Counter(self.faults)
        shown = "\n  ".join(f"{count} × {fault}" for fault, count in counts.most_common(5))
        assert not self.faults, f"{len(self.faults)} of {len(self.done)} requests failed:\n  {shown}"


def quantile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))] if values else float("nan")
