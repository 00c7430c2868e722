"""Shards that are written as a stream of encoded chunks, in any order, and appear at once.

For the one owner of a shard who makes its voxels band by band: what is held in memory is a band
and never the shard.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from voxlake.ngff.grid.box import cell_box
from voxlake.ngff.shards.format import ABSENT, shard_format
from voxlake.platform import store

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from voxlake.ngff.grid.box import Box
    from voxlake.ngff.shards.chunk_codec import Payload
    from voxlake.ngff.shards.format import ShardFormat
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import GrowingObject, StoreURL


SYNC_BYTES = 16 << 20
"""Bytes that are put before they begin to be synced, while others are computed."""


@dataclass(slots=True)
class ShardStream:
    """One shard in the making; one thread at a time may use it."""

    url: StoreURL
    box: Box
    """Voxels of the whole shard; it may stick out of the volume."""
    _coding: ShardFormat
    _entries: npt.NDArray[np.uint64]
    _object: GrowingObject | None = None
    _syncing: int = 0
    """Size up to which it was asked to reach the disk."""

    def put(self, box: Box, payloads: Sequence[Payload | None]) -> None:
        """Append the payloads of the chunks of `box`, in C order; None for chunks of only fill.

        `box` begins on the chunk grid and lies within the shard.
        """
        cells = list(box.within(self.box).cells(self._coding.chunk))
        numbers = np.ravel_multi_index(tuple(np.transpose(cells)), self._coding.grid)
        stored = [payload for payload in payloads if payload is not None]
        if not stored:
            return
        if self._object is None:
            head = self._coding.index_bytes if self._coding.index_first else 0
            self._object = store.grow(self.url, head)
        offset = self._object.size
        for number, payload in zip(numbers, payloads, strict=True):
            if payload is not None:
                self._entries[number] = (offset, len(payload))
                offset += len(payload)
        self._object.append(stored)
        if self._object.size > self._syncing + SYNC_BYTES:
            self._object.begin_sync()
            self._syncing = self._object.size

    def close(self) -> str | None:
        """Make the shard appear and return its ETag; None if it is all fill and so not stored."""
        if self._object is None:
            store.delete(self.url)
            return None
        index = self._coding.encode_index(self._entries)
        if self._coding.index_first:
            return self._object.commit(index)
        self._object.append([index])
        return self._object.commit(b"")

    def discard(self) -> None:
        """Drop all that was put; what is stored stays as it is."""
        if self._object is not None:
            self._object.discard()


def stream_shard(volume: Volume, cell: tuple[int, ...]) -> ShardStream:
    """Begin the shard at `cell` of the write grid of `volume`.

    Raises
    ------
    UnsupportedError
        If the volume is coded in another way than voxlake writes.
    """
    coding = shard_format(volume)
    entries = np.full((int(np.prod(coding.grid)), 2), ABSENT, np.uint64)
    return ShardStream(volume.shard_url(cell), cell_box(cell, volume.shard), coding, entries)


def cut_at_shards(
    box: Box, payloads: Sequence[Payload | None], coding: ShardFormat
) -> list[tuple[tuple[int, ...], Box, list[Payload | None]]]:
    """Sort the payloads of the chunks of `box` by shard: (cell, its part of the box, payloads).

    All in C order.
    """
    grid = [range(lo // c, -(-hi // c)) for lo, hi, c in _zip3(box, coding.chunk)]
    numbers = np.arange(len(payloads)).reshape([len(r) for r in grid])
    found = []
    for cell in box.cells(coding.shard):
        part = cell_box(cell, coding.shard) & box
        window = tuple(
            slice(lo // c - r.start, -(-hi // c) - r.start)
            for (lo, hi, c), r in zip(_zip3(part, coding.chunk), grid, strict=True)
        )
        found.append((cell, part, [payloads[i] for i in numbers[window].ravel().tolist()]))
    return found


def _zip3(box: Box, chunk: tuple[int, ...]) -> zip[tuple[int, int, int]]:
    return zip(box.start, box.stop, chunk, strict=True)
