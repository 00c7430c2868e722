"""Voxels of one shard, all of one state of its object: of that which its rows tell of.

To look whether the ETag is the same before and after is not enough: on S3 one is of the content,
and comes back with it. So each chunk is read on the condition that the object is in that state.
"""

from __future__ import annotations

from itertools import batched
from typing import TYPE_CHECKING, Any

from voxlake.ngff.labels.sidecars.trust import shard_etag
from voxlake.ngff.shards.format import find_shard_format
from voxlake.ngff.shards.reader import open_shard
from voxlake.platform.deadline import wait_for
from voxlake.platform.errors import ConflictError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy.typing as npt

    from voxlake.ngff.grid.box import Box, Cell
    from voxlake.ngff.reading.reader import ShardReader
    from voxlake.ngff.volume import Volume

    type Voxels = npt.NDArray[Any]


def read_tiles(volume: Volume, tiles: Iterable[Box], most: int) -> Iterator[Voxels]:
    """Yield the voxels of boxes of a chunk or less each, in their order.

    `most` bytes of decoded voxels are asked for at a time, or one chunk if that is larger.
    """
    for some in _batches(volume, tiles, most):
        # All reads are begun before the first is waited for.
        for read in [volume.read(tile) for tile in some]:
            yield read.result()


def read_tiles_of(
    volume: Volume, cell: Cell, etag: str, tiles: Iterable[Box], most: int
) -> Iterator[Voxels]:
    """Yield the voxels of boxes of the shard at `cell`, as `read_tiles`, in the state `etag`.

    Of shards that are coded in another way than voxlake does, that they were in another state
    meanwhile is found out at the end, and not if they came back to this one.

    Raises
    ------
    ConflictError
        If the shard is in another state: look again.
    """
    if find_shard_format(volume) is None:
        yield from read_tiles(volume, tiles, most)
        if shard_etag(volume, cell) != etag:
            raise _changed(volume, cell)
        return
    for some in _batches(volume, tiles, most):
        reader = volume.reader
        if reader is not None and all(reader.is_to_read(tile) for tile in some):
            yield from _by_reader(reader, cell, etag, some)
            continue
        shard = open_shard(volume, cell)
        if shard.etag != etag:
            raise _changed(volume, cell)
        yield from shard.read_chunks(some)


def _by_reader(
    reader: ShardReader, cell: Cell, etag: str, tiles: Sequence[Box]
) -> Iterator[Voxels]:
    for reading in [reader.read(tile) for tile in tiles]:
        voxels = wait_for(reading)
        if reading.states != {etag}:
            raise _changed(reader.volume, cell)
        yield voxels


def _batches(volume: Volume, tiles: Iterable[Box], most: int) -> Iterator[tuple[Box, ...]]:
    return batched(tiles, max(1, most // volume.chunk_bytes))


def _changed(volume: Volume, cell: Cell) -> ConflictError:
    return ConflictError(f"{volume.shard_url(cell)} has changed since it was looked at; look again")
