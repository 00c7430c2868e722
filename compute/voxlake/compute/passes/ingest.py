"""Ingest: the voxels of level 0, as the source has them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.compute.opened import opened_volume
from voxlake.compute.plan import Result
from voxlake.compute.sources import ReadsInto, cached_source
from voxlake.compute.sources.convert import convert
from voxlake.ngff.grid.box import Box, Cell
from voxlake.ngff.shards.storing import look_at_shard
from voxlake.ngff.shards.whole import write_shard
from voxlake.platform import store
from voxlake.platform.errors import ConflictError

if TYPE_CHECKING:
    import numpy.typing as npt

    from voxlake.compute.sources import Source
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL


@dataclass(frozen=True, slots=True)
class SourceAddress:
    """Where a source is, what it was when the job was planned, and which way round it is read."""

    location: str
    fingerprint: str
    reverse: tuple[str, ...] = ()
    """Axes whose first voxel is the source's last."""
    # Not in its text, which recorded jobs are told by: the fingerprint differs by the axes, too.
    axes: str = field(default="", repr=False)
    """Letters that name the source's axes as they are stored; empty: as it says itself."""
    # Nor this, which follows from the kind of the dataset.
    colours: bool = field(default=False, repr=False)
    """Whether it is read in the colours of its palettes, as an image is; else as their indices."""

    def open(self) -> Source:
        """Return the source; raise PlanChangedError if it is not what it was."""
        return cached_source(self.location, self.fingerprint, self.axes, colours=self.colours)

    def read(self, box: Box, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
        """Return the voxels of `box` as `dtype`."""
        out = np.empty(box.shape, dtype)
        self.read_into(box, out)
        return out

    def read_into(self, box: Box, out: npt.NDArray[Any]) -> None:
        """Fill `out`, of the shape of `box` and with contiguous rows, as its type.

        Raises SourceError if a voxel cannot be read, or `convert` cannot keep it.
        """
        source = self.open()
        if not self.reverse and isinstance(source, ReadsInto) and source.dtype == out.dtype:
            source.read_into(box, out)
            return
        turned = [name in self.reverse for name in source.axes]
        there = _mirrored(box, tuple(source.shape), turned)
        voxels = convert(source.read(there), out.dtype, there.start, f"source {self.location}")
        out[...] = voxels[tuple(slice(None, None, -1 if turn else 1) for turn in turned)]


@dataclass(frozen=True, slots=True)
class IngestTask:
    """Read one shard's box from the source and write the shard, by itself.

    A shard that others write to meanwhile is theirs, and left as it is.
    """

    source: SourceAddress
    target: StoreURL
    cell: Cell
    known: str | None = field(default=None, repr=False)
    """State of the shard that is to be replaced; None: that in which the task finds it."""

    def __call__(self) -> Result:
        """Write the shard; doing it again leaves it."""
        volume = opened_volume(self.target)
        box = volume.shard_box(self.cell)
        known = look_at_shard(volume, self.cell) if self.known is None else self.known
        try:
            write_shard(volume, self.cell, self.source.read(box, volume.dtype), known)
        except ConflictError:
            return Result()
        return Result(voxels=box.size)


def check_shard_size(volume: Volume) -> None:
    """Raise LimitExceededError if a shard may be larger than its store takes.

    It may be as large as its voxels are: some cannot be compressed.
    """
    store.check_put_size(volume.url, shard_bytes(volume))


def shard_bytes(volume: Volume) -> int:
    """Return the size of a decoded shard in bytes."""
    return math.prod(volume.shard) * volume.dtype.itemsize


def _mirrored(box: Box, shape: tuple[int, ...], turned: list[bool]) -> Box:
    """Return where the voxels of `box` lie in a source whose `turned` axes run the other way."""
    ranges = [
        (n - hi, n - lo) if turn else (lo, hi)
        for lo, hi, n, turn in zip(box.start, box.stop, shape, turned, strict=True)
    ]
    return Box(tuple(lo for lo, _ in ranges), tuple(hi for _, hi in ranges))
