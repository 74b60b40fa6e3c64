"""Faults of too little: of descriptors, of memory, and clients that take more than their share."""
import collections
import json
import os
import pathlib
import resource
import shutil
import signal
import socket
import time

from common import FULL, Skipped, check_answers, connect, known, reload
from daemon import WEIGHTS, Daemon, models_folder, until
from group import MemoryGroup
from load import Exchange, Load, quantile


def out_of_descriptors():
    """More connections than descriptors: idle ones give way, the rest is refused with 503, and it loads models still."""
    folder = models_folder("digits", "surnames")
    daemon = Daemon(folder, command=["prlimit", "--nofile=64:64"])
    exchanges = known(daemon)
    crowd = connect(300, daemon.port)
    statuses = collections.Counter()
    for exchange in exchanges * 20:
        try:
            status, body = daemon.ask(exchange.method, exchange.path, exchange.body, {"Content-Type": exchange.type})
        except OSError:
            status = "closed"
        statuses[status] += 1
        if status == 200:
            assert exchange.fault(status, body) is None, exchange.fault(status, body)
    assert set(statuses) <= {200, 503, "closed"}, statuses
    shutil.copytree(WEIGHTS / "temperature", folder / "temperature")
    reload(daemon)
    used = daemon.cpu_seconds()
    time.sleep(0.5)
    used = (daemon.cpu_seconds() - used) / 0.5
    assert used < 0.5, f"it spins at {100 * used:.0f} % of a CPU while it cannot accept"
    for connection in crowd:
        connection.close()
    until(lambda: daemon.descriptors() < 30, "descriptors are given back", 10)
    check_answers(daemon, exchanges)
    status, _ = daemon.ask("POST", "/v1/models/temperature:predict", b'{"instances": [[[1]]]}', {"Content-Type": "application/json"})
    assert status == 200, "the model that came meanwhile was not loaded"
    assert daemon.stop() == 0
    return f"64 descriptors, 300 connections: {dict(statuses)}, {100 * used:.0f} % of a CPU meanwhile, a new model loaded"


def out_of_memory():
    """In a control group that is too small, requests are refused; a daemon that is told to take more is killed and comes
    back whole."""
    try:
        group = MemoryGroup(160 << 20)
    except OSError as error:
        raise Skipped(f"no control group can be made here ({error})") from None
    unit = b"[1],"
    count = (24 << 20) // len(unit)
    body = b'{"instances":[[' + unit * count + b"[1]]]}"
    hungry = Exchange("hungry", "POST", "/v1/models/temperature:predict", body, "application/json")
    folder = models_folder("digits", "surnames", "temperature")
    try:
        daemon = Daemon(folder, command=group.command)
        exchanges = known(daemon)
        statuses = set()

        def greedy(*_):
            try:
                statuses.add(daemon.ask(hungry.method, hungry.path, hungry.body, {"Content-Type": hungry.type})[0])
            except OSError:
                statuses.add("closed")
        with Load(6, greedy), Load(2, exchanges, daemon.port, pause=0.01) as load:
            time.sleep(3)
        load.check()
        assert daemon.is_alive(), "the budget did not keep it within its memory"
        assert 200 not in statuses, statuses
        check_answers(daemon, exchanges)
        assert daemon.stop() == 0
        # Now it believes that it has more than there is: the kernel ends it, and whoever runs it starts it again.
        daemon = Daemon(folder, "--max-memory-bytes", 4 << 30, "--max-body-bytes", 1 << 30, command=group.command)
        hungry.body = b'{"instances":[[' + unit * (4 * count) + b"[1]]]}"
        with Load(4, greedy):
            end = time.monotonic() + 20
            while daemon.is_alive() and time.monotonic() < end:
                time.sleep(0.02)
        assert daemon.process.poll() == -signal.SIGKILL, f"it was not killed: {daemon.process.poll()}"
        daemon.start()
        check_answers(daemon, exchanges)
        assert daemon.stop() == 0
    finally:
        group.close()
    return f"160 MB: {len(load.done)} right answers beside bodies of 24 MB, which got {statuses}; killed, it came back whole"


def idle_connections():
    """Ten thousand clients that say nothing: others are served as if they were not there."""
    wanted = 10_000 if FULL else 3_000
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if limit < wanted + 500:
        raise Skipped(f"a process may open {limit} descriptors only")
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    daemon = Daemon(models_folder("digits", "surnames"), "--max-connections", wanted + 200, "--idle-timeout-ms", 6000,
                    "--head-timeout-ms", 6000)
    exchanges = known(daemon)
    before = daemon.resident_mb()
    crowd = connect(wanted, daemon.port)
    grown = daemon.resident_mb() - before
    assert len(crowd) == wanted, f"{len(crowd)} of {wanted} connections"
    with Load(2, exchanges, daemon.port) as load:
        time.sleep(1)
    load.check()
    held = daemon.descriptors()
    assert held > wanted, f"{held} descriptors"
    until(lambda: daemon.descriptors() < 50, "idle connections are closed", 20)
    for connection in crowd:
        connection.close()
    check_answers(daemon, exchanges)
    assert daemon.stop() == 0
    slowest = 1000 * quantile([taken for _, taken in load.done], 0.99)
    return f"{wanted} connections in {grown:.0f} MB; others p99 {slowest:.1f} ms; all closed after their time"


def slow_clients():
    """Clients that send a head or a body a byte at a time, or take no answer: cut off in time, others undisturbed."""
    daemon = Daemon(models_folder("digits", "surnames", "tagger"), "--head-timeout-ms", 1500, "--write-timeout-ms", 3000,
                    "--body-minimum-rate", 4096)
    exchanges = known(daemon)
    post = b"POST /v1/models/digits:classify HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200000\r\n\r\n"
    words = json.dumps({"instances": [["a"] * 512] * 16, "parameters": {"scores": True}}).encode()
    read = (b"POST /v1/models/tagger:predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n" % len(words))
    crowds = {"reading": [],
              "head": connect(100, daemon.port, b"GET /livez HTTP/1.1\r\nX: "),
              "body": connect(100, daemon.port, post)}
    for _ in range(4):  # one after another, so that none is refused
        crowds["reading"] += connect(1, daemon.port, read + words, receive_buffer=4096)
        crowds["reading"][-1].recv(1)
    times, begin = {}, time.monotonic()
    with Load(2, exchanges, daemon.port, pause=0.005) as load:
        while any(crowds.values()) and time.monotonic() < begin + 40:
            time.sleep(0.1)
            for name, crowd in crowds.items():
                still = is_held if name == "reading" else trickle
                crowds[name] = [connection for connection in crowd if still(connection)]
                if not crowds[name]:
                    times.setdefault(name, time.monotonic() - begin)
    load.check()
    assert len(times) == 3, f"still held: {[(name, len(crowd)) for name, crowd in crowds.items()]}"
    assert daemon.stop() == 0
    cut = ", ".join(f"{name} after {seconds:.1f} s" for name, seconds in sorted(times.items()))
    slowest = 1000 * quantile([taken for _, taken in load.done], 0.99)
    return f"cut off: {cut}; others p99 {slowest:.1f} ms"


def trickle(connection):
    """Sends one byte more; false when the other side has had enough."""
    try:
        connection.setblocking(False)
        connection.send(b"a")
        connection.recv(1, socket.MSG_PEEK)  # an answer or the end
        return False
    except BlockingIOError:
        return True
    except OSError:
        return False


def is_held(connection):
    """Whether the kernel still holds the other end of a connection, or bytes for it."""
    def hexadecimal(name):
        return f"{int.from_bytes(socket.inet_aton(name[0]), 'little'):08X}:{name[1]:04X}"
    try:
        entry = f" {hexadecimal(connection.getpeername())} {hexadecimal(connection.getsockname())} "
    except OSError:
        return False  # reset
    with open("/proc/net/tcp") as table:
        return entry in table.read()
