"""A TCP proxy whose wire is bad: it drips, or answers break off."""

from __future__ import annotations

import socket
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Wire:
    """How the wire to a port is at the moment."""

    port: int
    endpoint: str = ""
    drips: bool = False
    """Whether a byte of an answer comes every 50 ms."""
    breaks: int = 0
    """How many answers are still to break off in the middle."""
    broken: int = 0
    """How many have."""
    ended: Event = field(default_factory=Event)

    def listen(self, server: socket.socket) -> None:
        """Pass connections on."""
        with suppress(OSError):
            while True:
                client, _ = server.accept()
                Thread(target=self._ask, args=(client,), daemon=True).start()

    def _ask(self, client: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", self.port)) as upstream, suppress(OSError):
            Thread(target=self._answer, args=(upstream.dup(), client.dup()), daemon=True).start()
            with client:
                while part := client.recv(1 << 16):
                    upstream.sendall(part)
                upstream.shutdown(socket.SHUT_WR)

    def _answer(self, upstream: socket.socket, client: socket.socket) -> None:
        with upstream, client, suppress(OSError):
            while part := upstream.recv(1 << 16):
                if self.breaks:
                    self.breaks, self.broken = self.breaks - 1, self.broken + 1
                    client.sendall(part[:-40])
                    client.shutdown(socket.SHUT_RDWR)
                    return
                self._pass_on(part, client)

    def _pass_on(self, part: bytes, client: socket.socket) -> None:
        if not self.drips:
            client.sendall(part)
            return
        for byte in part:
            client.sendall(bytes([byte]))
            if self.ended.wait(0.05):
                return


@contextmanager
def bad_wire(endpoint: str) -> Iterator[Wire]:
    """Pass connections on to the server at `endpoint`, over a wire that the test spoils."""
    port = urlsplit(endpoint).port
    assert port is not None
    wire = Wire(port)
    with socket.create_server(("127.0.0.1", 0), backlog=128) as server:
        wire.endpoint = f"http://127.0.0.1:{server.getsockname()[1]}"
        Thread(target=wire.listen, args=(server,), daemon=True).start()
        try:
            yield wire
        finally:
            wire.ended.set()
            server.shutdown(socket.SHUT_RDWR)
