"""Many ranges of one object: a file stays open; requests to S3 are joined where they are close."""

from __future__ import annotations

import os
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING

import obstore

from voxlake.platform.store.adapters import as_obstore
from voxlake.platform.store.failures import store_failures
from voxlake.platform.store.objects import head

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxlake.platform.store.url import StoreURL


@dataclass(frozen=True, slots=True, weakref_slot=True)
class RangeReader:
    """An object whose ranges can be read, by several threads at once."""

    url: StoreURL
    size: int
    """Bytes of the whole object."""
    _file: int | None
    """Of a local object: the very file that was there when it was opened."""

    def read(self, start: int, size: int) -> bytes:
        """Return `size` bytes from `start` on; fewer where the object ends."""
        return self.read_many([(start, size)])[0]

    def read_into(self, start: int, memory: memoryview) -> int:
        """Fill `memory` with the bytes from `start` on; return how many there were."""
        with store_failures("read", self.url):
            if self._file is not None:
                return os.preadv(self._file, [memory], start)
        body = self.read(start, len(memory))
        memory[: len(body)] = body
        return len(body)

    def read_many(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """Return the bytes of each (start, size)."""
        with store_failures("read", self.url):
            if self._file is not None:
                return [os.pread(self._file, size, start) for start, size in ranges]
            found = obstore.get_ranges(
                as_obstore(self.url),
                self.url.key,
                starts=[start for start, _ in ranges],
                lengths=[size for _, size in ranges],
            )
            return [bytes(part) for part in found]


def open_ranges(url: StoreURL) -> RangeReader:
    """Open the object for reading ranges of it; raise ObjectNotFoundError if there is none."""
    if not url.is_local:
        return RangeReader(url, head(url).size, None)
    with store_failures("read", url):
        file = os.open(url.path, os.O_RDONLY)
    reader = RangeReader(url, os.fstat(file).st_size, file)
    weakref.finalize(reader, os.close, file)
    return reader
