"""A PostgreSQL server that refuses every connection with a message, as one does that starts up."""

from __future__ import annotations

import struct
from contextlib import contextmanager
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_ENCRYPTION = {80877103, 80877104}
"""Requests for SSL and GSS, which come before the start-up message."""


@contextmanager
def refusing_postgres(message: str) -> Iterator[str]:
    """Run a server until the end of the block; yield the URL of a database of it.

    Messages: https://www.postgresql.org/docs/current/protocol-message-formats.html
    """
    fields = f"SFATAL\0VFATAL\0C57P03\0M{message}\0\0".encode()

    class Refusal(BaseRequestHandler):
        def handle(self) -> None:
            while True:
                size, code = struct.unpack("!ii", self.request.recv(8))
                if code not in _ENCRYPTION:
                    break
                self.request.sendall(b"N")
            self.request.recv(size - 8)
            self.request.sendall(b"E" + struct.pack("!i", 4 + len(fields)) + fields)

    with ThreadingTCPServer(("127.0.0.1", 0), Refusal) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"postgresql://someone@127.0.0.1:{server.server_address[1]}/lake"
        finally:
            server.shutdown()
            thread.join()
