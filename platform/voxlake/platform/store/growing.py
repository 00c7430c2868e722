"""Objects that are written piece by piece and appear at once, whole, or never.

For objects larger than one wants to hold in memory, whose head is known last. On a file system the
pieces go to a partial file beside the target; for S3 they are spooled to a file of this machine and
sent as one object, because parts of an upload that a crash cut off would stay, unseen and paid for.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

import obstore

from voxlake.platform.store.adapters import as_obstore
from voxlake.platform.store.failures import store_failures
from voxlake.platform.store.objects import PARTIAL_SUFFIX, etag_of, sync_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from voxlake.platform.store.url import StoreURL

type Bytes = bytes | bytearray | memoryview

_VECTOR = 1024
"""Most pieces that one write of the system takes (IOV_MAX of Linux)."""

SINGLE_PUT = 1 << 30
"""Largest object that is sent in one request; S3 takes up to 5 GB."""


@dataclass(slots=True)
class GrowingObject:
    """An object in the making; one thread at a time may use it."""

    url: StoreURL
    size: int
    """Bytes reserved or written."""
    _file: int
    _path: Path | None
    """The partial file; None of a spool, which has no name."""

    def append(self, pieces: Sequence[Bytes]) -> None:
        """Write `pieces` one after the other at the end."""
        with store_failures("write", self.url):
            for first in range(0, len(pieces), _VECTOR):
                _write_all(self._file, pieces[first : first + _VECTOR], self.size)
                self.size += sum(len(piece) for piece in pieces[first : first + _VECTOR])

    def commit(self, head: bytes) -> str:
        """Write `head` at the start, make the object appear, and return its ETag."""
        with store_failures("write", self.url):
            try:
                _write_all(self._file, [head], 0)
                return self._publish() if self._path else self._send()
            finally:
                self._close()

    def discard(self) -> None:
        """Drop all that was written; what is stored under the name stays."""
        with suppress(OSError):
            self._close()

    def _publish(self) -> str:
        assert self._path is not None
        os.fsync(self._file)
        self._path.replace(self.url.path)
        self._path = None
        sync_folder(self.url.path.parent)
        return etag_of(self.url)

    def _send(self) -> str:
        with mmap.mmap(self._file, self.size, access=mmap.ACCESS_READ) as body:
            answer = obstore.put(
                as_obstore(self.url),
                self.url.key,
                memoryview(body),
                use_multipart=self.size > SINGLE_PUT,
            )
        return str(answer["e_tag"])

    def _close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        if self._path is not None:
            self._path.unlink(missing_ok=True)
            self._path = None


def grow(url: StoreURL, reserved: int) -> GrowingObject:
    """Begin an object at `url` whose first `reserved` bytes are given last, with `commit`."""
    with store_failures("write", url):
        if not url.is_local:
            with tempfile.TemporaryFile(prefix="voxlake-", suffix=".spool") as spool:
                return GrowingObject(url, reserved, os.dup(spool.fileno()), None)
        url.path.parent.mkdir(parents=True, exist_ok=True)
        partial = url.path.with_name(f".{url.path.name}.{uuid4().hex}{PARTIAL_SUFFIX}")
        return GrowingObject(
            url, reserved, os.open(partial, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666), partial
        )


def _write_all(file: int, pieces: Sequence[Bytes], offset: int) -> None:
    """Write every byte: the system may take fewer at a time than it is given."""
    left = list(pieces)
    while left:
        written = os.pwritev(file, left, offset)
        offset += written
        while left and written >= len(left[0]):
            written -= len(left.pop(0))
        if written:
            left[0] = memoryview(left[0])[written:]
