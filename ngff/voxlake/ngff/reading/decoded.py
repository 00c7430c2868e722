"""Decoded chunks that are kept for the next read: as many bytes as volumes may keep together."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from voxlake.ngff.memory.cache import Cache, Cached

if TYPE_CHECKING:
    import numpy.typing as npt


class DecodedChunk(NamedTuple):
    """A chunk in memory."""

    voxels: npt.NDArray[Any]
    address: int

    @classmethod
    def of(cls, voxels: npt.NDArray[Any]) -> DecodedChunk:
        """Return the chunk that these voxels are, or are to be."""
        return cls(voxels, voxels.ctypes.data)


type DecodedChunks = Cached[DecodedChunk]
"""By the state of a shard, and the number of a chunk."""


@cache
def decoded_chunks(limit_bytes: int) -> DecodedChunks:
    """Return the chunks that volumes with this limit keep."""
    return Cached("decoded-chunks", _cache(limit_bytes))


def half_of(limit_bytes: int) -> int:
    """Leave a half of what volumes with this limit keep to TensorStore, and return it."""
    _cache(limit_bytes).limit(limit_bytes - limit_bytes // 2)
    return limit_bytes // 2


@cache
def _cache(limit_bytes: int) -> Cache:
    return Cache(limit_bytes)
