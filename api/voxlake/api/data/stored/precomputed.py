"""Levels as scales of Neuroglancer's precomputed format: the way from `/precomputed` to voxels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from anyio import to_thread

from voxlake.api.data.opened import opened_dataset, opened_level
from voxlake.api.data.portions import check_box
from voxlake.api.data.stored.chunks import read_chunk
from voxlake.api.data.stored.objects import Choose, Part
from voxlake.api.guards.datasets import Granted
from voxlake.api.http.again import read_again
from voxlake.api.views.precomputed_info import Scale, check_taken
from voxlake.ngff.dataset import Dataset
from voxlake.ngff.grid.box import Box
from voxlake.ngff.shards.chunk_codec import unpack_chunks
from voxlake.ngff.shards.format import ShardFormat, find_shard_format
from voxlake.ngff.volume import Volume
from voxlake.platform.access import Read, ReadVoxels, Right
from voxlake.platform.errors import LimitExceededError, UnsupportedError
from voxlake.platform.store import ObjectInfo

type Voxels = npt.NDArray[Any]
type Encode = Callable[[Voxels], bytes]
"""Encodes the voxels (channel, z, y, x) of a chunk, little-endian, C order."""


@dataclass(frozen=True, slots=True)
class PrecomputedLevel:
    """A level of a dataset, and the scale that it is in the format."""

    dataset: Dataset
    volume: Volume
    scale: Scale
    coding: ShardFormat | None
    """How its shards are coded, if their chunks are those of the format; else None."""

    @classmethod
    def of(
        cls, dataset: Dataset, number: int, volume: Volume, time: int | None = None
    ) -> PrecomputedLevel:
        """Return a level, given its array, at a time point if it has several."""
        multiscale = dataset.multiscale
        level = multiscale.levels[number]
        scale = Scale(number, multiscale.axes, level, volume.shape, volume.chunk, time)
        is_direct = multiscale.axis_names[-3:] == ("z", "y", "x") and scale.channels == 1
        if scale.time_axis is not None:
            is_direct = is_direct and volume.chunk[scale.time_axis] == 1
        return cls(dataset, volume, scale, find_shard_format(volume) if is_direct else None)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the voxels that are sent, little-endian."""
        return self.volume.dtype.newbyteorder("<")

    @property
    def fill_bytes(self) -> bytes:
        """A voxel that is not stored."""
        return np.array(self.volume.fill, self.dtype).tobytes()

    def lies_so(self, box: Box) -> bool:
        """Return whether the bytes of a chunk are those of one that is stored: it is not cut."""
        return self.coding is not None and box.shape == self.volume.chunk

    def ordered(self, voxels: Voxels) -> Voxels:
        """Return voxels of the array as those sent: (channel, z, y, x), of `dtype`, C order."""
        x, y, z = self.scale.space
        others = (self.scale.time_axis, self.scale.channel_axis)
        ordered = voxels.transpose(*(axis for axis in others if axis is not None), z, y, x)
        return np.ascontiguousarray(ordered.reshape(-1, *ordered.shape[-3:]), self.dtype)

    def filled(self, box: Box) -> Voxels:
        """Return the voxels (channel, z, y, x) of a chunk that is not stored."""
        return self.ordered(np.full(box.shape, self.volume.fill, self.volume.dtype))


async def is_taken(granted: Granted[Read]) -> bool:
    """Return whether the format can have the dataset."""
    try:
        for level in await _opened_levels(granted):
            check_taken(level.scale, level.dtype, "raw", labels=granted.record.kind == "labels")
    except UnsupportedError:
        return False
    return True


async def open_levels(
    granted: Granted[ReadVoxels], time: int | None = None
) -> list[PrecomputedLevel]:
    """Return the levels that may be read, the finest first, at a time point if there are any."""
    return await _opened_levels(granted, time)


async def _opened_levels(
    granted: Granted[Right], time: int | None = None
) -> list[PrecomputedLevel]:
    dataset = await opened_dataset(granted)
    finest = granted.portion.finest if granted.portion else 0
    numbers = range(finest, dataset.levels)
    volumes = [await opened_level(granted, dataset, number) for number in numbers]
    pairs = zip(numbers, volumes, strict=True)
    return [PrecomputedLevel.of(dataset, number, volume, time) for number, volume in pairs]


async def open_level(
    granted: Granted[ReadVoxels], number: int, time: int | None = None
) -> PrecomputedLevel:
    """Return a level, at a time point; raise OutOfBoundsError if there is no such level."""
    dataset = await opened_dataset(granted)
    volume = await opened_level(granted, dataset, number)
    return PrecomputedLevel.of(dataset, number, volume, time)


async def check_chunk(granted: Granted[ReadVoxels], level: PrecomputedLevel, box: Box) -> None:
    """Raise ForbiddenError unless all voxels of a chunk may be read."""
    await check_box(granted, level.dataset, level.scale.number, box)


async def read_stored(level: PrecomputedLevel, box: Box, choose: Choose) -> Part | None:
    """Return those bytes that `choose` picks of the stored chunk that a box is in; None: all fill.

    The level's shards have to be coded so that their chunks are those of the format.
    """
    assert level.coding is not None
    cell = tuple(lo // n for lo, n in zip(box.start, level.volume.chunk, strict=True))
    return await read_chunk(level.volume, level.coding, cell, choose)


async def encode_stored(
    granted: Granted[ReadVoxels], level: PrecomputedLevel, box: Box, choose: Choose, encode: Encode
) -> tuple[ObjectInfo | None, bytes | None]:
    """Return what the stored chunk is that a box is in, and the voxels of the box, encoded.

    None for what it is if it is all fill, and for the voxels if `choose` picks nothing of it.

    Raises
    ------
    LimitExceededError
        If it would never fit in the memory for answers.
    """

    async def once() -> tuple[ObjectInfo | None, bytes | None]:
        part = await read_stored(level, box, choose)
        if part is None:
            return None, await to_thread.run_sync(lambda: encode(level.filled(box)))
        try:
            payload = b"".join([bytes(block) async for block in part.blocks])
        finally:
            part.release()
        if part.span is None:
            return part.info, None
        return part.info, await to_thread.run_sync(_encoded, level, box, payload, encode)

    async with granted.gateway.answers.hold(_held_bytes(granted, level, box)):
        return await read_again(once)


async def encode_read(
    granted: Granted[ReadVoxels], level: PrecomputedLevel, box: Box, encode: Encode
) -> bytes:
    """Return the voxels of a box, encoded, however the level is stored; as `encode_stored`."""
    async with granted.gateway.answers.hold(_held_bytes(granted, level, box)):
        voxels = await read_again(partial(level.volume.read, box))
        return await to_thread.run_sync(lambda: encode(level.ordered(voxels)))


def _encoded(level: PrecomputedLevel, box: Box, payload: bytes, encode: Encode) -> bytes:
    assert level.coding is not None
    [chunk] = unpack_chunks(level.coding, [memoryview(payload)], str(level.volume.url))
    return encode(level.ordered(chunk[Box.of_shape(box.shape).slices]))


def _held_bytes(granted: Granted[ReadVoxels], level: PrecomputedLevel, box: Box) -> int:
    """Return the memory that a chunk takes: decoded, in order and encoded."""
    held = level.volume.decoding_bytes(box) + 3 * box.size * level.dtype.itemsize
    most = granted.gateway.answers.share_bytes
    if held > most:
        raise LimitExceededError(
            f"a chunk of {box} of {level.volume.url} takes {held} bytes of memory, and the server "
            f"has {most} for answers; read the dataset at /zarr, or raise "
            "VOXLAKE_GATEWAY_MEMORY_BYTES at the server"
        )
    return held
