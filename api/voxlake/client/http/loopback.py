"""Requests to a gateway on this machine, whose answers come faster than httpx takes them.

httpx reads 64 KiB at a time and copies each byte several times on the way, which on this machine
takes longer than the gateway needs to read and send voxels.
"""

from __future__ import annotations

import select
from collections import deque
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import TYPE_CHECKING

import httpx2

if TYPE_CHECKING:
    from collections.abc import Iterator

PEER = "peer"
"""Extension of an answer: the address, and its port, that it came from."""
PART_BYTES = 1 << 20
"""Taken from the socket at a time, at most; less if less has come."""


class LoopbackTransport(httpx2.BaseTransport):
    """Sends the requests of a client by plain HTTP; threads may share it."""

    def __init__(self) -> None:
        self._idle = deque[HTTPConnection]()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request, and return its answer once the head is there."""
        timeout = request.extensions["timeout"]
        connection = self._take()
        try:
            if connection is None:
                connection = _connect(request.url, timeout["connect"])
            connection.sock.settimeout(timeout["read"])
            answer, peer = _send(connection, request)
        except BaseException:
            if connection is not None:
                connection.close()
            raise
        headers = [(name.encode(), value.encode("latin-1")) for name, value in answer.getheaders()]
        return httpx2.Response(
            answer.status,
            headers=headers,
            stream=_Body(self, connection, answer),
            extensions={PEER: peer},
        )

    def keep(self, connection: HTTPConnection) -> None:
        """Keep a connection whose answer was read to its end."""
        self._idle.append(connection)

    def close(self) -> None:
        """Close the connections that are kept."""
        while self._idle:
            self._idle.pop().close()

    def _take(self) -> HTTPConnection | None:
        """Return a connection that is kept, and that the gateway did not close."""
        while self._idle:
            connection = self._idle.pop()
            if not _is_readable(connection):
                return connection
            connection.close()
        return None


class _Body(httpx2.SyncByteStream):
    """The body of an answer; its connection is kept once it was read."""

    def __init__(
        self, transport: LoopbackTransport, connection: HTTPConnection, answer: HTTPResponse
    ) -> None:
        self._transport, self._connection, self._answer = transport, connection, answer

    def __iter__(self) -> Iterator[bytes]:
        with _failures():
            while part := self._answer.read1(PART_BYTES):
                yield part
        if self._answer.length:
            raise httpx2.RemoteProtocolError(f"{self._answer.length} bytes of the body are missing")

    def close(self) -> None:
        is_read = self._answer.isclosed() or self._answer.length == 0
        self._answer.close()
        if is_read and not self._answer.will_close:
            self._transport.keep(self._connection)
        else:
            self._connection.close()


def _connect(url: httpx2.URL, seconds: float | None) -> HTTPConnection:
    connection = HTTPConnection(url.host, url.port, timeout=seconds)
    try:
        connection.connect()
    except TimeoutError as error:
        raise httpx2.ConnectTimeout(str(error)) from error
    except OSError as error:
        raise httpx2.ConnectError(str(error)) from error
    return connection


def _send(
    connection: HTTPConnection, request: httpx2.Request
) -> tuple[HTTPResponse, tuple[str, int]]:
    """Return the answer to a request, and the address that it comes from."""
    assert isinstance(request.stream, httpx2.SyncByteStream)
    with _failures():
        host, port = connection.sock.getpeername()[:2]
        target = request.url.raw_path.decode("ascii")
        connection.putrequest(request.method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in request.headers.raw:
            connection.putheader(name, value)
        with suppress(BrokenPipeError, ConnectionResetError):
            # Who answers before the body was read may say why.
            connection.endheaders(request.stream)
        return connection.getresponse(), (host, port)


@contextmanager
def _failures() -> Iterator[None]:
    """Translate what goes wrong on a connection to httpx's errors."""
    try:
        yield
    except TimeoutError as error:
        raise httpx2.ReadTimeout(str(error)) from error
    except OSError as error:
        raise httpx2.ReadError(str(error)) from error
    except HTTPException as error:
        raise httpx2.RemoteProtocolError(str(error)) from error


def _is_readable(connection: HTTPConnection) -> bool:
    """Return whether something comes though nothing was asked: mostly the end."""
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    return bool(poll.poll(0))
