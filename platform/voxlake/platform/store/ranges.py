"""Ranges of objects: the one way in which parts of them are read.

Of a file a range is one system call; requests to S3 are joined where they are close. An object is
asked once (`read_range`, `read_ranges`) or opened (`open_ranges`), and then all that is read is of
one state of it; `awaited` is for coroutines.
"""

from __future__ import annotations

import os
import weakref
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from voxlake.platform.store.failures import explain, store_failures
from voxlake.platform.store.info import ObjectInfo, names_one_state
from voxlake.platform.store.local.files import etag_of_file, is_settled, open_file
from voxlake.platform.store.objects import head
from voxlake.platform.store.requests import in_background
from voxlake.platform.store.s3.awaited import ask_parts, ask_ranges

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from voxlake.platform.store.url import StoreURL


_NOWAIT = getattr(os, "RWF_NOWAIT", 0)
"""How Linux is asked to read what it has in memory alone."""
_LOOKED_AT = 64 << 10
"""Bytes of which one is looked at: about what is read from a disk at once."""
_SENT = 1 << 20
"""Most that is sent in one system call."""


def read_range(url: StoreURL, start: int, stop: int) -> bytes:
    """Return the bytes ``[start, stop)`` of the object; fewer where a file ends."""
    return read_ranges(url, [(start, stop)])[0]


def read_ranges(url: StoreURL, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
    """Return the bytes of each range ``[start, stop)``, of a file all of the same state."""
    if not url.is_local:
        return [bytes(part) for part in in_background(partial(ask_ranges, url, ranges))]
    try:
        file, _ = open_file(url)
        try:
            return [os.pread(file, stop - start, start) for start, stop in ranges]
        finally:
            os.close(file)
    except OSError as error:
        raise explain("read", url, error) from error


@dataclass(slots=True, weakref_slot=True, eq=False)
class RangeReader:
    """One state of an object, whose ranges can be read by several threads at once.

    Of S3 reading fails with ConflictError once the object is another, where the store tells ETags.
    """

    info: ObjectInfo
    """Of the very state that is read."""
    file: int | None
    """Descriptor of a file, which is open as long as this is referred to; None on S3."""
    is_settled: bool = True
    """Whether no later state can have its ETag; see `local.is_settled` and `names_one_state`."""
    close: Callable[[], object] = lambda: None
    """Closes the file; twice is harmless. Done with the last reference, if not before."""

    @property
    def url(self) -> StoreURL:
        """Address of the object."""
        return self.info.url

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes ``[start, stop)``; fewer where the object ends."""
        return self.read_many([(start, stop)])[0]

    def read_into(self, start: int, memory: memoryview) -> int:
        """Fill `memory` with the bytes from `start` on; return how many there were."""
        with store_failures("read", self.url):
            if self.file is not None:
                return os.preadv(self.file, [memory], start)
        body = self.read(start, start + len(memory))
        memory[: len(body)] = body
        return len(body)

    def is_at_hand(self, start: int, stop: int) -> bool:
        """Return whether the system has bytes of a file in memory, as looked at here and there."""
        if self.file is None or not _NOWAIT:
            return False
        look = [bytearray(1)]
        try:
            for offset in (*range(start, stop, _LOOKED_AT), stop - 1):
                os.preadv(self.file, look, offset, _NOWAIT)
        except OSError:
            return False  # it would have to wait for it, or cannot tell
        return True

    def send(self, socket: int, start: int, stop: int) -> int:
        """Have the system send bytes of a file to a socket, not all of them; return how many.

        Raises
        ------
        BlockingIOError
            If the socket takes nothing at the moment.
        ConnectionError
            If its other end is gone.
        """
        assert self.file is not None
        try:
            return os.sendfile(socket, self.file, start, min(stop - start, _SENT))
        except (BlockingIOError, ConnectionError):
            raise
        except OSError as error:
            raise explain("read", self.url, error) from error

    def read_many(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """Return the bytes of each range ``[start, stop)``."""
        if self.file is None:
            return [bytes(part) for part in in_background(partial(ask_parts, self.info, ranges))]
        with store_failures("read", self.url):
            return [os.pread(self.file, stop - start, start) for start, stop in ranges]


def open_ranges(url: StoreURL) -> RangeReader:
    """Open the object for reading ranges of it; its file is closed with the last reference.

    Raises
    ------
    ObjectNotFoundError
        If there is none; a folder, or a path through a file, is no object.
    """
    if not url.is_local:
        info = head(url)
        return RangeReader(info, None, names_one_state(info.etag))
    with store_failures("read", url):
        file, state = open_file(url)
    info = ObjectInfo(url, state.st_size, etag_of_file(state))
    reader = RangeReader(info, file, is_settled(state))
    reader.close = weakref.finalize(reader, os.close, file)
    return reader
