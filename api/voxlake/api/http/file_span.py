"""Bytes of a file that the system sends by itself, without a copy of them in this process."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.types import Scope

from voxlake.platform.errors import StoreError
from voxlake.platform.store import RangeReader

EXTENSION = "voxlake.file_span"
"""Of ASGI: the server takes a `FileSpan` for the body of ``http.response.body``."""


@dataclass(frozen=True, slots=True)
class FileSpan:
    """The bytes ``[start, stop)`` of an open file."""

    reader: RangeReader
    start: int
    stop: int

    def __len__(self) -> int:
        """Return how many they are."""
        return self.stop - self.start

    def send(self, socket: int, start: int) -> int:
        """Send some bytes from `start` on; return how many.

        Raises
        ------
        BlockingIOError
            If the socket takes nothing at the moment.
        ConnectionError
            If its other end is gone.
        """
        sent = self.reader.send(socket, start, self.stop)
        if not sent:
            raise StoreError(f"cannot read {self.reader.url}: it ends before {self.stop}")
        return sent

    def __bytes__(self) -> bytes:
        """Return the bytes, read."""
        return self.reader.read(self.start, self.stop)


def takes_file_spans(scope: Scope) -> bool:
    """Return whether the server of a request takes such bodies."""
    return EXTENSION in (scope.get("extensions") or {})
