"""The model of capacity in deploy/README.md against a measured run."""
import itertools
import math
import os
import random
import threading
import time

from daemon import Daemon, models_folder
from load import Connection, Exchange, Load, example, quantile


def capacity(seconds=8.0):
    """Measures one replica at one CPU, predicts its time at a lower load, and compares.

    As deploy/README.md has it: cost c of a request in CPU seconds, utilisation u = load · c / CPUs, and 99 of 100 requests
    take less than t + c · ln(100 u) / (1 - u), where t is the time of one alone; half of that term where all are alike.
    """
    daemon = Daemon(models_folder("objects"), "--threads", "1", command=["taskset", "-c", "0"])
    os.sched_setaffinity(0, {os.cpu_count() - 1})
    image = Exchange("objects", "POST", "/v1/models/objects:classify", example("pagoda.jpg")).learn(daemon)
    try:
        with Load(1, [image], daemon.port) as alone:
            time.sleep(3)
        alone.check()
        before, begin = daemon.cpu_seconds(), time.monotonic()
        with Load(1, [image], daemon.port) as busy:
            time.sleep(seconds / 2)
        cost = (daemon.cpu_seconds() - before) / len(busy.done)
        alone = quantile([taken for _, taken in alone.done], 0.5)
        print(f"one request: {1000 * cost:.1f} ms of CPU, {1000 * alone:.1f} ms alone")
        for share in (0.3, 0.5, 0.7):
            rate = share / cost
            taken, used = open_loop(daemon, image, rate, seconds)
            wait = cost * math.log(100 * share) / (1 - share)
            print(f"{rate:.0f} requests/s: CPU {100 * share:.0f} % predicted, {100 * used:.0f} % measured; "
                  f"p99 {1000 * (alone + wait / 2):.0f} to {1000 * (alone + wait):.0f} ms predicted, "
                  f"{1000 * quantile(taken, 0.99):.0f} ms measured", flush=True)
            assert 0.6 * share < used < 1.3 * share, "the cost of a request does not say how busy a replica is"
    finally:
        daemon.stop()


def open_loop(daemon, exchange, rate, seconds):
    """Sends requests at random times, whether or not earlier ones are answered.

    Returns how long each took from when it was due, and the share of a CPU that the daemon used.
    """
    random.seed(1)
    due, moment = [], 0.0
    while moment < seconds:
        moment += random.expovariate(rate)
        due.append(moment)
    times, before, begin, position = [], daemon.cpu_seconds(), time.monotonic(), itertools.count()

    def work():
        connection = Connection(daemon.port)
        while (index := next(position)) < len(due):
            time.sleep(max(0.0, begin + due[index] - time.monotonic()))
            fault = connection.send(exchange)
            assert fault is None, fault
            times.append(time.monotonic() - begin - due[index])
    threads = [threading.Thread(target=work) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(times) == len(due)
    return times, (daemon.cpu_seconds() - before) / (time.monotonic() - begin)
