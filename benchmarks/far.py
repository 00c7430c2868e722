"""A server that is some way off: a relay of TCP, which lets bytes take their time each way.

It passes on what comes without looking at it, in a process of its own.
"""

from __future__ import annotations

import multiprocessing
import socket
import time
from contextlib import contextmanager, suppress
from queue import Queue
from threading import Thread
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

    type _UnderWay = Queue[tuple[float, bytes]]
    """Bytes, and when they arrive; none of them: the end."""

PIECE_BYTES = 1 << 20
"""Bytes that are taken at once, at most."""

MOST_UNDER_WAY = 32
"""Pieces that are on their way in one direction: enough for some GB/s."""


@contextmanager
def far(endpoint: str, latency_s: float) -> Iterator[str]:
    """Yield the endpoint by which the server at `endpoint` is so far: there and back.

    A connection takes as long to make, as a handshake does.
    """
    spawned = multiprocessing.get_context("spawn")
    here, there = spawned.Pipe()
    process = spawned.Process(target=_relay, args=(endpoint, latency_s, there))
    process.start()
    try:
        yield here.recv()
    finally:
        here.send(None)
        process.join()


def _relay(endpoint: str, latency_s: float, asked: Connection) -> None:
    listening = socket.create_server(("127.0.0.1", 0), backlog=128)
    Thread(target=_listen, args=(listening, endpoint, latency_s), daemon=True).start()
    asked.send(f"http://127.0.0.1:{listening.getsockname()[1]}")
    asked.recv()


def _listen(listening: socket.socket, endpoint: str, latency_s: float) -> None:
    while True:
        near, _ = listening.accept()
        Thread(target=_join, args=(near, endpoint, latency_s), daemon=True).start()


def _join(near: socket.socket, endpoint: str, latency_s: float) -> None:
    time.sleep(latency_s)
    address = urlsplit(endpoint)
    server = socket.create_connection((address.hostname, address.port))
    for taken, given in ((near, server), (server, near)):
        taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        under_way: _UnderWay = Queue(MOST_UNDER_WAY)
        Thread(target=_take, args=(taken, under_way, latency_s / 2), daemon=True).start()
        Thread(target=_give, args=(given, under_way), daemon=True).start()


def _take(taken: socket.socket, under_way: _UnderWay, way_s: float) -> None:
    piece = b"begun"
    while piece:
        piece = b""
        with suppress(OSError):
            piece = taken.recv(PIECE_BYTES)
        under_way.put((time.monotonic() + way_s, piece))


def _give(given: socket.socket, under_way: _UnderWay) -> None:
    while True:
        due, piece = under_way.get()
        time.sleep(max(0.0, due - time.monotonic()))
        with suppress(OSError):  # nobody is there to take it any more
            if not piece:
                given.shutdown(socket.SHUT_WR)
                return
            given.sendall(piece)
        if not piece:
            return
