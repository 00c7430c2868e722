"""Chunks of stored shards, decoded by our own threads: for bulk work that reads all of them.

One-off reads go through `Volume.read`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.ngff.grid.box import cell_box
from voxlake.ngff.memory.reuse import reused
from voxlake.ngff.shards.chunk_codec import decode_chunks, unpack_chunks
from voxlake.ngff.shards.format import ABSENT, shard_format
from voxlake.ngff.shards.index_cache import index_of
from voxlake.platform import store
from voxlake.platform.errors import CorruptDataError, ObjectNotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from voxlake.ngff.grid.box import Box
    from voxlake.ngff.shards.format import ShardFormat
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import RangeReader


@dataclass(frozen=True)
class StoredShard:
    """One shard, open; several threads may read it at once."""

    box: Box
    """Voxels of the whole shard; it may stick out of the volume."""
    coding: ShardFormat
    _object: RangeReader | None
    """None: no shard is stored, all is fill."""

    def read_into(self, box: Box, out: npt.NDArray[Any]) -> None:
        """Decode the voxels of `box` into `out`, of the same shape, with contiguous rows.

        `box` lies within the shard, begins on the chunk grid, and at one place of all axes before
        z.

        Raises
        ------
        CorruptDataError
            If the index or a chunk does not decode.
        StoreError
            If the store fails.
        """
        if self._object is None:
            out[...] = self.coding.fill
            return
        entries = self.entries[self.coding.numbers(box.within(self.box))]
        stored = [(int(at), int(at) + int(size)) for at, size in entries if at != ABSENT]
        bodies = iter(_read_joined(self._object, stored))
        payloads = [None if at == ABSENT else next(bodies) for at, _ in entries]
        decode_chunks(self.coding, payloads, out, str(self._object.url))

    @property
    def etag(self) -> str | None:
        """State of the object; None: no shard is stored."""
        return None if self._object is None else self._object.info.etag

    def read_chunks(self, boxes: Sequence[Box]) -> list[npt.NDArray[Any]]:
        """Return the voxels of boxes, each of which lies within one chunk; without the compiler.

        Raises
        ------
        CorruptDataError
            If the index or a chunk does not decode.
        ConflictError
            If the shard on S3 is another by now.
        StoreError
            If the store fails.
        """
        insides = [box.within(self.box) for box in boxes]
        spans = [self.entries[self.coding.numbers(inside)][0].tolist() for inside in insides]
        stored = [(at, at + size) for at, size in spans if at != ABSENT]
        if self._object is None or not stored:
            return [self._fill(box) for box in boxes]
        payloads = [memoryview(body) for body in self._object.read_many(stored)]
        chunks = iter(unpack_chunks(self.coding, payloads, str(self._object.url)))
        return [
            self._fill(inside) if at == ABSENT else next(chunks)[self._in_chunk(inside)]
            for inside, (at, _) in zip(insides, spans, strict=True)
        ]

    def _fill(self, box: Box) -> npt.NDArray[Any]:
        return np.full(box.shape, self.coding.fill, self.coding.dtype)

    def _in_chunk(self, inside: Box) -> tuple[slice, ...]:
        """Return where a box of the shard lies in its chunk."""
        starts = [lo % n for lo, n in zip(inside.start, self.coding.chunk, strict=True)]
        return tuple(slice(lo, lo + n) for lo, n in zip(starts, inside.shape, strict=True))

    @cached_property
    def entries(self) -> npt.NDArray[np.uint64]:
        """(offset, size) of each chunk, in C order of the shard's grid; ABSENT for those of fill.

        Raises
        ------
        CorruptDataError
            If the index is damaged.
        """
        if self._object is None:
            return np.full((int(np.prod(self.coding.grid)), 2), ABSENT, np.uint64)
        return index_of(self.coding, self._object)


def _read_joined(found: RangeReader, ranges: list[tuple[int, int]]) -> list[memoryview]:
    """Return the bytes of each ``[start, stop)``, in one request if they follow one another.

    They are good until this thread reads again.
    """
    starts, stops = [start for start, _ in ranges], [stop for _, stop in ranges]
    if not ranges or stops[:-1] != starts[1:]:
        return [memoryview(body) for body in found.read_many(ranges)]
    first = starts[0]
    whole = reused("stored", (stops[-1] - first,), np.dtype(np.uint8)).data
    if found.read_into(first, whole) < len(whole):
        raise CorruptDataError(f"{found.url} became shorter while it was read; read it again")
    return [whole[start - first : stop - first] for start, stop in ranges]


def open_shard(volume: Volume, cell: tuple[int, ...]) -> StoredShard:
    """Open the shard at `cell` of the write grid.

    Raises
    ------
    UnsupportedError
        If the volume is coded in another way than voxlake writes.
    StoreError
        If the store fails; that there is no object is no failure.
    ConflictError
        If the array is being deleted.
    """
    coding, url = shard_format(volume), volume.shard_url(cell)
    try:
        opened = store.open_ranges(url)
    except ObjectNotFoundError:
        volume.check_there()
        opened = None
    return StoredShard(cell_box(cell, volume.shard), coding, opened)
