"""Locks between writers of a local store: the file system has no compare-and-swap of its own.

A lock covers bytes of a file that is there anyway, past its end if need be, so that no lock file is
ever left behind. The kernel frees it when its owner ends, however that comes about.
"""

from __future__ import annotations

import fcntl
import os
import struct
import sys
import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

BYTE_RANGES = sys.platform == "linux"
"""Whether single bytes of a file can be locked by one open file (fcntl(2), "open file description
locks"); elsewhere the whole file is."""

_FLOCK = struct.Struct("hhqqi4x")
"""struct flock: type, whence, start, length, pid."""


class FileLock:
    """Bytes of a file that no one else may lock, until `release` or the end of this object."""

    def __init__(self, path: Path, positions: Iterable[int] = (0,), *, wait: bool = True) -> None:
        """Lock the byte at each of `positions` in the file at `path`.

        They are locked in rising order, so that no two owners wait for one another.

        Raises
        ------
        BlockingIOError
            If someone else has one of them, unless told to `wait`.
        OSError
            If the file is not there, may not be written, or its file system has no locks.
        """
        self._file = os.open(path, os.O_RDWR)
        self._close = weakref.finalize(self, os.close, self._file)
        if BYTE_RANGES:
            command = fcntl.F_OFD_SETLKW if wait else fcntl.F_OFD_SETLK
            for position in sorted({*positions}):
                wanted = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, position, 1, 0)
                fcntl.fcntl(self._file, command, wanted)
        else:
            fcntl.flock(self._file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))

    def is_of(self, path: Path) -> bool:
        """Return whether the locked file is still the one at `path`."""
        try:
            return os.path.samestat(os.fstat(self._file), path.stat())
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Unlock all bytes; again is no harm."""
        self._close()


def empty_abandoned(path: Path) -> None:
    """Empty the lock file of TensorStore at `path` if its owner was killed; else leave it alone.

    Its lock file becomes the object, and what a killed writer left in it would stay behind the end
    of the next writer's bytes, if there are fewer of these (tensorstore 0.1.86).
    """
    try:
        lock = FileLock(path, wait=False)
    except (FileNotFoundError, BlockingIOError):
        return
    # A living owner may have made it the object since it was opened: then there is none any more.
    if lock.is_of(path):
        os.truncate(path, 0)
    lock.release()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Lock the file at `path`, which its owners replace, for the length of a ``with`` block.

    Raises
    ------
    FileNotFoundError
        If there is none.
    """
    lock = FileLock(path)
    while not lock.is_of(path):  # who had it put another file in its place
        lock.release()
        lock = FileLock(path)
    try:
        yield
    finally:
        lock.release()
