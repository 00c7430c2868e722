"""A store that is never what one waits for: objects in memory, by the part of S3 that ingests use.

It knows no keys, no listings and no disk. Any of its answers is what S3 would say.
"""

from __future__ import annotations

import multiprocessing
import socket
from contextlib import contextmanager, suppress
from itertools import count
from threading import Lock, Thread
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from io import BufferedReader
    from multiprocessing.connection import Connection

    type _Answer = tuple[int, Mapping[str, str], bytes | bytearray]

_ABSENT = b"<Error><Code>NoSuchKey</Code></Error>"
_OTHER = b"<Error><Code>PreconditionFailed</Code></Error>"
_WHEN = "Sun, 29 Nov 2026 12:00:00 GMT"


@contextmanager
def light_store() -> Iterator[str]:
    """Run it in a process of its own; yield its endpoint, which has any bucket."""
    spawned = multiprocessing.get_context("spawn")
    here, there = spawned.Pipe()
    process = spawned.Process(target=_run, args=(there,))
    process.start()
    try:
        yield here.recv()
    finally:
        here.send(None)
        process.join()


def _run(asked: Connection) -> None:
    listening, objects = socket.create_server(("127.0.0.1", 0), backlog=128), _Objects()
    Thread(target=_listen, args=(listening, objects), daemon=True).start()
    asked.send(f"http://127.0.0.1:{listening.getsockname()[1]}")
    asked.recv()


def _listen(listening: socket.socket, objects: _Objects) -> None:
    while True:
        connection, _ = listening.accept()
        Thread(target=_serve, args=(connection, objects), daemon=True).start()


def _serve(connection: socket.socket, objects: _Objects) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with suppress(OSError), connection.makefile("rb") as coming:
        while first := coming.readline():
            method, target, _ = first.decode().split(" ")
            headers = _headers(coming)
            body = bytearray(int(headers.get("content-length", 0)))
            coming.readinto(body)
            status, said, answer = objects.answer(
                method, unquote(urlsplit(target).path), headers, body
            )
            lines = [f"HTTP/1.1 {status} .", f"Last-Modified: {_WHEN}"]
            lines += [f"{name}: {value}" for name, value in said.items()]
            lines += [] if "Content-Length" in said else [f"Content-Length: {len(answer)}"]
            head = "\r\n".join([*lines, "", ""]).encode()
            connection.sendall(head + (b"" if method == "HEAD" else answer))


def _headers(coming: BufferedReader) -> dict[str, str]:
    headers = {}
    while line := coming.readline().decode().strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return headers


class _Objects:
    def __init__(self) -> None:
        self._stored: dict[str, tuple[str, bytearray]] = {}
        self._lock, self._etags = Lock(), count(1)

    def answer(self, method: str, key: str, headers: Mapping[str, str], body: bytearray) -> _Answer:
        if method == "PUT":
            return self._put(key, headers, body)
        etag, stored = self._stored.get(key, ("", bytearray()))
        if not etag:
            return 404, {}, _ABSENT
        if method == "HEAD":
            return 200, {"ETag": etag, "Content-Length": str(len(stored))}, b""
        if method == "GET":
            return _part(etag, stored, headers)
        return 501, {}, b""

    def _put(self, key: str, headers: Mapping[str, str], body: bytearray) -> _Answer:
        with self._lock:
            etag = self._stored.get(key, ("", b""))[0]
            if ("if-none-match" in headers and etag) or headers.get("if-match", etag) != etag:
                return 412, {}, _OTHER
            etag = f'"{next(self._etags):032x}"'
            self._stored[key] = etag, body
        return 200, {"ETag": etag}, b""


def _part(etag: str, stored: bytearray, headers: Mapping[str, str]) -> _Answer:
    if headers.get("if-match", etag) != etag:
        return 412, {}, _OTHER
    if "range" not in headers:
        return 200, {"ETag": etag}, stored
    first, stop = _range(headers["range"], len(stored))
    told = f"bytes {first}-{stop - 1}/{len(stored)}"
    return 206, {"ETag": etag, "Content-Range": told}, stored[first:stop]


def _range(asked: str, size: int) -> tuple[int, int]:
    """Return the half-open range of ``bytes=FIRST-LAST``, or of ``bytes=-COUNT``, its last ones.

    Examples
    --------
    >>> _range("bytes=2-5", 10), _range("bytes=-3", 10)
    ((2, 6), (7, 10))
    """
    first, _, last = asked.removeprefix("bytes=").partition("-")
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(size, int(last) + 1) if last else size
