"""Faults of the machine: ends without notice, disks, clocks, and what becomes of the folder of models."""
import os
import pathlib
import random
import shutil
import subprocess
import tempfile
import time

from common import FULL, Skipped, check_answers, known, reload
from daemon import WORK, Daemon, models_folder, other_weights
from load import Connection, Exchange, Load, digits, example, predict


def kill_and_restart():
    """kill -9 at any moment, also while it loads and measures: the next start is whole."""
    cache = pathlib.Path(tempfile.mkdtemp(dir=WORK))
    # Measured on, so that the kill also comes while measurements are written.
    daemon = Daemon(models_folder("digits", "surnames", "cifar10"), "--tune", "true", "--cache", cache)
    exchanges = known(daemon)
    random.seed(7)
    for moment in range(12 if FULL else 5):
        daemon.kill()
        if moment % 2:
            shutil.rmtree(cache)
            cache.mkdir()
        daemon.start(wait=False)
        with Load(2, lambda *_: send_anything(daemon)):
            time.sleep(random.uniform(0, 0.4))
            daemon.kill()
        daemon.start()
        check_answers(daemon, exchanges)
    assert daemon.stop() == 0
    return f"{moment + 1} times, right answers after each start"


def send_anything(daemon):
    try:
        daemon.ask("POST", "/v1/models/digits:classify", example("digit-7.png"))
    except OSError:
        time.sleep(0.01)  # it is dead or not there yet


def disk_full():
    """No room for measurements, then none for the log: it serves on."""
    full = pathlib.Path(tempfile.mkdtemp(dir=WORK))
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "full", full], capture_output=True).returncode:
        raise Skipped("nothing can be mounted here")
    try:
        fill(full / "filler")
        daemon = Daemon(models_folder("digits", "surnames", "cifar10"), "--tune", "true", "--cache", full)
        exchanges = known(daemon)
        assert "not kept" in daemon.log(), f"the log does not say that measurements are not kept: {daemon.log()}"
        assert daemon.stop() == 0
        (full / "filler").unlink()
        daemon = Daemon(models_folder("digits", "surnames"), log=full / "log")
        exchanges = known(daemon)
        fill(full / "filler")
        with Load(4, exchanges, daemon.port) as load:
            time.sleep(1)
        load.check()
        assert daemon.stop() == 0
    finally:
        subprocess.run(["umount", "--lazy", full], check=True)
    return f"no room for measurements; no room for the log: {len(load.done)} right answers"


def fill(path):
    """Writes until the file system has no byte left."""
    with open(path, "wb", buffering=0) as file:
        try:
            while file.write(bytes(256)):
                pass
        except OSError:
            return


def model_folder_spoilt():
    """Deleted, cut short, replaced: no answer changes before a reload, and none gets wrong by one."""
    folder = models_folder("digits", "surnames", "temperature")
    daemon = Daemon(folder)
    exchanges = known(daemon)
    weights = folder / "digits/model.safetensors"
    kept = weights.read_bytes()
    with Load(4, exchanges, daemon.port) as load:
        time.sleep(0.3)
        with open(weights, "r+b") as file:
            file.truncate(1000)
        time.sleep(0.3)
        # What cannot be read never takes the place of what answers.
        reload(daemon)
        time.sleep(0.3)
        weights.write_bytes(os.urandom(len(kept)))
        reload(daemon)
        shutil.rmtree(folder / "surnames")
        time.sleep(0.3)
        weights.write_bytes(kept)
    load.check()
    # What is a model takes it, and what is gone is gone: by a reload, and only that model.
    other_weights(weights)
    check_answers(daemon, exchanges)
    reload(daemon)
    old, new = exchanges[0].right, digits().learn(daemon).right
    assert new.isdisjoint(old), "the new weights were not taken"
    assert daemon.ask("POST", exchanges[1].path, exchanges[1].body)[0] == 404, "the deleted model is there still"
    assert daemon.stop() == 0
    return f"cut short, garbage, deleted: {len(load.done)} right answers; new weights and the deletion count from the reload on"


def clock_steps():
    """The time of day jumps by years, forwards and backwards: nothing that waits or expires takes notice."""
    libraries = list(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not libraries:
        raise Skipped("there is no faketime; apt-get install faketime")
    now = pathlib.Path(tempfile.mkdtemp(dir=WORK)) / "now"
    now.write_text("+0")
    # Only the time of day is stepped: the monotonic clock of a kernel never is.
    daemon = Daemon(models_folder("digits", "surnames", "temperature"), environment={
        "LD_PRELOAD": str(libraries[0]), "FAKETIME_TIMESTAMP_FILE": str(now), "FAKETIME_NO_CACHE": "1",
        "DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"})
    exchanges = known(daemon)
    step = lambda **more: predict("temperature", [[10.0]], sequence_id="s", **more)
    status, body = Connection(daemon.port).ask("POST", step().path, step(sequence_start=True).body)
    assert status == 200, body
    dates = set()
    with Load(4, exchanges, daemon.port) as load:
        for offset in ("+3650d", "-3650d", "+1h", "-30d", "+0"):
            now.write_text(offset)
            time.sleep(0.4)
            connection = Connection(daemon.port).http
            connection.request("GET", "/livez")
            dates.add(connection.getresponse().getheader("Date")[12:16])
            status, body = Connection(daemon.port).ask("POST", step().path, step().body)
            assert status == 200, f"after {offset} the sequence is gone: {body}"
    load.check()
    assert len(dates) >= 3, f"the clock did not step: {dates}"
    assert daemon.stop() == 0
    return f"years {', '.join(sorted(dates))}: {len(load.done)} right answers, a sequence went on"


def loads_and_unloads():
    """A model that comes and goes a thousand times leaves nothing behind."""
    cycles = 1000 if FULL else 150
    daemon = Daemon(models_folder("digits", "surnames", "objects"), "--settle-ms", 0)
    exchanges = known(daemon)
    image = Exchange("objects", "POST", "/v1/models/objects:classify", example("pagoda.jpg")).learn(daemon)
    operator = Connection(daemon.port)

    def cycle():
        for action in ("unload", "load"):
            status, body = operator.ask("POST", f"/v2/repository/models/objects/{action}")
            assert status == 200, f"{action}: {status} {body}"
        fault = operator.send(image)
        assert fault is None, fault

    def state():
        threads = len(os.listdir(f"/proc/{daemon.process.pid}/task"))
        return daemon.resident_mb(), daemon.descriptors(), threads
    with Load(1, exchanges, daemon.port, pause=0.005) as load:
        for _ in range(cycles // 5):
            cycle()
        before = state()
        for _ in range(cycles - cycles // 5):
            cycle()
        after = state()
    load.check()
    assert after[0] - before[0] < 12, f"memory grew from {before[0]:.0f} to {after[0]:.0f} MB"
    assert after[1] <= before[1] + 2 and after[2] <= before[2] + 2, f"descriptors, threads: {before[1:]} to {after[1:]}"
    assert daemon.stop() == 0
    return f"{cycles} times a model of 22 MB: {before[0]:.0f} MB at a fifth of them, {after[0]:.0f} MB at the end; others right"
