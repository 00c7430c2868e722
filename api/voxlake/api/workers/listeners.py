"""Sockets of an address: one for each process that listens there."""

from __future__ import annotations

import errno
import socket

from voxlake.platform.errors import InvalidInputError

BACKLOG = 2048
"""Connections that wait to be taken."""


def listen(host: str, port: int) -> socket.socket:
    """Listen at an address; at port 0, at one that is free.

    Raises
    ------
    InvalidInputError
        If the port is taken, or the system refuses.
    """
    return _listen(host, port, shared=False)


def listen_together(host: str, port: int, count: int) -> list[socket.socket]:
    """Listen at an address by several sockets, among which the system shares out connections.

    Raises
    ------
    InvalidInputError
        As `listen`: sockets that share an address do not see by themselves that others do so, too.
    """
    with listen(host, port) as alone:
        port = int(alone.getsockname()[1])
    return [_listen(host, port, shared=True) for _ in range(count)]


def _listen(host: str, port: int, *, shared: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG, reuse_port=shared)
    except OSError as error:
        raise InvalidInputError(
            f"cannot listen on {host}:{port}, {_why(error)}; choose another with --port, or any "
            "that is free with --port 0"
        ) from error


def _why(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "where another program listens"
    return f"which the system refuses ({error.strerror})"
