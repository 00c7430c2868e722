"""What is kept on a disk of this machine below what is in memory: bytes of stored objects.

Each piece is a file that is named for what it is of, the ETag of its object included, so that none
can be stale, and begins with a checksum of both, so that none is torn. A folder may be shared by
the processes of a gateway: they tell each other nothing, and each makes room from time to time.
"""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING
from zlib import crc32

from voxlake.platform.errors import StoreError
from voxlake.platform.store.local.partial import is_abandoned, is_leftover, partial_path
from voxlake.platform.store.local.private import private_folder
from voxlake.platform.store.local.sweep import LIVE_WRITE_S

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_DRAWERS = 16
"""Folders that files lie in, each of a share of the room."""

_CRC = 4
_MOST_WAITING = 64 << 20
"""Bytes that wait to be written; of more than a slow disk takes some are not kept."""


class DiskCache:
    """Bytes by key in files below a folder; of nothing until it is opened. For any thread."""

    def __init__(self) -> None:
        self.hits = self.misses = self.evictions = self.failures = 0
        self.folder: Path | None = None
        self._share = self._waiting = 0
        self._written, self._lock = Counter[Path](), Lock()
        self._writer = ThreadPoolExecutor(1, "voxlake-disk-cache")

    @property
    def is_open(self) -> bool:
        """Whether anything is kept."""
        return self.folder is not None

    def open(self, folder: Path, limit_bytes: int) -> None:
        """Keep about `limit_bytes` below `folder` from here on, and use what lies there.

        Raises
        ------
        StoreError
            If the folder is somebody else's, or cannot be written.
        """
        self._share = limit_bytes // _DRAWERS
        try:
            private_folder(folder)
            for number in range(_DRAWERS):
                (folder / f"{number:x}").mkdir(exist_ok=True)
                self._make_room(folder / f"{number:x}")
        except StoreError:
            raise
        except OSError as error:
            raise StoreError(
                f"nothing can be kept in {folder}: {error.strerror}; set VOXLAKE_CACHE_DIR to a "
                "folder that this user may write to"
            ) from error
        self.folder = folder

    def close(self) -> None:
        """Keep nothing any more, once what waits is written; files stay."""
        self._writer.submit(lambda: None).result()
        self.folder = None

    def get(self, key: str) -> memoryview | None:
        """Return the bytes of `key`, if they are there; else None, whatever is wrong."""
        path = self._path(key)
        try:
            body = memoryview(path.read_bytes())
            os.utime(path)  # for those that make room
        except OSError:
            body = memoryview(b"")
        is_whole = len(body) >= _CRC and body[:_CRC] == _checksum(key, body[_CRC:])
        with self._lock:
            self.hits += is_whole
            self.misses += not is_whole
        return body[_CRC:] if is_whole else None

    def get_all(self, keys: Iterable[str]) -> list[memoryview | None]:
        """Return the bytes of each key."""
        return [self.get(key) for key in keys]

    def keep(self, pieces: Sequence[tuple[str, bytes | memoryview]]) -> None:
        """Have bytes of keys written soon, by a thread."""
        size = sum(len(body) for _, body in pieces)
        with self._lock:
            if self.folder is None or self._waiting + size > _MOST_WAITING:
                return
            self._waiting += size
        self._writer.submit(self._put_all, pieces, size)

    def put(self, key: str, body: bytes | memoryview) -> None:
        """Write the bytes of `key`; that the disk is full is no error."""
        if len(body) > self._share // 4:
            return
        path = self._path(key)
        partial = partial_path(path)
        try:
            with partial.open("xb") as file:
                file.write(_checksum(key, body))
                file.write(body)
            partial.replace(path)
        except OSError:
            self.failures += 1
            with suppress(OSError):
                partial.unlink(missing_ok=True)
            return
        self._written[path.parent] += len(body)
        if self._written[path.parent] > self._share // 8:
            self._make_room(path.parent)

    def _put_all(self, pieces: Sequence[tuple[str, bytes | memoryview]], size: int) -> None:
        try:
            for key, body in pieces:
                self.put(key, body)
        finally:
            with self._lock:
                self._waiting -= size

    def _make_room(self, drawer: Path) -> None:
        """Delete those of a drawer that were not used for longest, down to three quarters of it.

        What others write meanwhile fits into the rest.
        """
        self._written[drawer] = 0
        found = []
        for entry in os.scandir(drawer):
            with suppress(FileNotFoundError):
                state = entry.stat(follow_symlinks=False)
                found.append((state.st_mtime_ns, state.st_size, Path(entry.path)))
        left = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if is_leftover(path.name):
                is_wanted = not is_abandoned(path, LIVE_WRITE_S)
            else:
                is_wanted = left <= self._share * 3 // 4
            if not is_wanted:
                path.unlink(missing_ok=True)
                left, self.evictions = left - size, self.evictions + 1

    def _path(self, key: str) -> Path:
        assert self.folder is not None
        name = blake2b(key.encode(), digest_size=20).hexdigest()
        return self.folder / name[0] / name[1:]


DISK = DiskCache()
"""Of this process."""


def _checksum(key: str, body: bytes | memoryview) -> bytes:
    return crc32(body, crc32(key.encode())).to_bytes(_CRC, "little")
