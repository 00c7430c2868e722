"""Objects that are written piece by piece and appear at once, whole, or never.

For objects larger than one wants to hold in memory, whose head may be known last. On a file system
the pieces go to a partial file beside the target; for S3 they are spooled to a file of this machine
and sent as one object, because parts of an upload that a crash cut off would stay, unseen and paid
for.

No file stays open between two pieces: a task may have thousands of objects in the making.
"""

from __future__ import annotations

import mmap
import os
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import obstore

from voxlake.platform.store.failures import store_failures
from voxlake.platform.store.local.files import check_links
from voxlake.platform.store.local.partial import partial_path
from voxlake.platform.store.local.spool import new_spool
from voxlake.platform.store.objects import (
    check_etag,
    check_put_size,
    etag_of,
    make_folder,
    object_of,
    parent_of,
    put_mode,
    sync_folder,
)
from voxlake.platform.store.requests import request

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from voxlake.platform.store.url import StoreURL

type Bytes = bytes | bytearray | memoryview

_VECTOR = 1024
"""Most pieces that one write of the system takes (IOV_MAX of Linux)."""

_ANY_TIME = nullcontext()
"""The turn of a writer who replaces whatever is there."""

SINGLE_PUT = 1 << 30
"""Largest object that is sent in one request, if it can be sent in parts."""


@dataclass(slots=True)
class GrowingObject:
    """An object in the making; one thread at a time may use it."""

    url: StoreURL
    _path: Path
    """The partial file or the spool."""
    size: int = 0
    """Bytes written."""

    def append(self, pieces: Sequence[Bytes]) -> None:
        """Write `pieces` one after the other at the end."""
        with store_failures("write", self.url), _opened(self._path) as file:
            for first in range(0, len(pieces), _VECTOR):
                _write_all(file, pieces[first : first + _VECTOR], self.size)
                self.size += sum(len(piece) for piece in pieces[first : first + _VECTOR])

    def begin_sync(self) -> None:
        """Let what was written begin to reach the disk, so that the commit has less to wait for."""
        if self.url.is_local and hasattr(os, "posix_fadvise"):
            # Linux starts writing dirty pages that are not needed; the last is still being filled.
            with store_failures("write", self.url), _opened(self._path) as file:
                whole = self.size - self.size % mmap.PAGESIZE
                os.posix_fadvise(file, 0, whole, os.POSIX_FADV_DONTNEED)

    def commit(
        self, head: bytes = b"", turn: AbstractContextManager[str | None] = _ANY_TIME
    ) -> str:
        """Write `head` over the first bytes, make the object appear, and return its ETag.

        It appears within `turn`, which gives the ETag that the object must have, empty if there
        must be none: as `replace` does, with the same errors and the same need of a lock. All that
        may take long on a file system is done before and after.
        """
        try:
            with store_failures("write", self.url), _opened(self._path) as file:
                _write_all(file, [head], 0)
                if self.url.is_local:
                    return self._publish(file, turn)
                with turn as known:
                    return self._send(file, known)
        finally:
            self.discard()

    def discard(self) -> None:
        """Drop all that was written; what is stored under the name stays."""
        self._path.unlink(missing_ok=True)

    def _publish(self, file: int, turn: AbstractContextManager[str | None]) -> str:
        os.fsync(file)
        with turn as known:
            if known is not None:
                check_etag(self.url, known)
            self._path.replace(self.url.path)
            etag = etag_of(self.url)
        sync_folder(self.url.path.parent)
        return etag

    def _send(self, file: int, known: str | None) -> str:
        check_put_size(self.url, self.size if known is not None else 0)
        # Not closed here: a request that is given up may hold it for a moment.
        body = memoryview(mmap.mmap(file, self.size, access=mmap.ACCESS_READ))
        answer = request(
            obstore.put,
            obstore.put_async,
            *object_of(self.url, self.size),
            body,
            # Uploads in parts take no condition.
            mode="overwrite" if known is None else put_mode(self.url, known),
            use_multipart=known is None and self.size > SINGLE_PUT,
        )
        return str(answer["e_tag"])


def grow(url: StoreURL) -> GrowingObject:
    """Begin an object at `url`."""
    with store_failures("write", url):
        if url.is_local:
            check_links("write", parent_of(url))
            make_folder(url.path.parent)
            partial = partial_path(url.path)
        else:
            return GrowingObject(url, new_spool())
        partial.touch(0o666, exist_ok=False)
    return GrowingObject(url, partial)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    file = os.open(path, os.O_RDWR)
    try:
        yield file
    finally:
        os.close(file)


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
