"""What the faults share."""
import pathlib
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "Harness"))
from daemon import until
from load import Connection, digits, predict

FULL = "--full" in sys.argv


class Skipped(Exception):
    """The fault cannot be made on this machine."""


def known(daemon):
    return [digits().learn(daemon), predict("surnames", "Takahashi", scores=True, top_k=18).learn(daemon)]


def check_answers(daemon, exchanges):
    for exchange in exchanges:
        fault = Connection(daemon.port).send(exchange)
        assert fault is None, fault


def reload(daemon):
    """Tells it to look through its folder, and waits until it has."""
    before = daemon.log().count("reloaded")
    daemon.hang_up()
    until(lambda: daemon.log().count("reloaded") > before, "the reload ends")


def connect(count, port, send=b"", receive_buffer=None):
    """Connections from many addresses, so that no limit for one is met."""
    sockets = []
    for index in range(count):
        connection = socket.socket()
        if receive_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.settimeout(20)
        connection.bind((f"127.0.{1 + index // 500}.{1 + index % 250}", 0))
        try:
            connection.connect(("127.0.0.1", port))
            if send:
                connection.sendall(send)
        except OSError:
            connection.close()
            continue
        sockets.append(connection)
    return sockets
