"""Ingest: the shards of level 0, from a source."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.compute.opened import opened_volume
from voxlake.compute.plan import Cell, Plan, Result, fingerprint, write_grid
from voxlake.compute.sources import cached_source
from voxlake.ngff.shard import write_shard
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    import numpy.typing as npt

    from voxlake.compute.sources import Source
    from voxlake.ngff.box import Box
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL


@dataclass(frozen=True, slots=True)
class SourceAddress:
    """Where a source is and what it was when the job was planned."""

    location: str
    fingerprint: str

    def read(self, box: Box, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
        """Return the voxels of `box` as `dtype`."""
        return as_stored(cached_source(self.location, self.fingerprint).read(box), dtype)


@dataclass(frozen=True, slots=True)
class IngestTask:
    """Read one shard's box from the source and write the shard."""

    source: SourceAddress
    target: StoreURL
    cell: Cell

    def __call__(self) -> Result:
        """Write the shard; doing it again writes the same bytes."""
        volume = opened_volume(self.target)
        box = volume.shard_box(self.cell)
        etag = write_shard(volume, self.cell, self.source.read(box, volume.dtype))
        return {"voxels": box.size, "etag": etag}


def plan_ingest(source: SourceAddress, volume: Volume) -> Plan:
    """Plan writing every shard of `volume` from the source of the same shape."""
    return Plan(
        "ingest",
        write_grid(volume.shape, volume.shard),
        partial(IngestTask, source, volume.url),
        fingerprint("ingest", source.fingerprint, volume.url, volume.metadata),
        shard_bytes(volume) * 3,
        math.prod(volume.shape),
    )


def shard_bytes(volume: Volume) -> int:
    """Return the size of a decoded shard in bytes."""
    return math.prod(volume.shard) * volume.dtype.itemsize


def as_stored(voxels: npt.NDArray[Any], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Return `voxels` as the `dtype` they are stored in, losing nothing.

    Raises
    ------
    SourceError
        If labels are negative.
    """
    if voxels.dtype == dtype:
        return np.ascontiguousarray(voxels)
    if dtype.kind == "u" and voxels.dtype.kind == "i" and voxels.size and voxels.min() < 0:
        raise SourceError(
            f"the source has the label {voxels.min()}; labels are 0 and above: map it to another"
        )
    return np.ascontiguousarray(voxels, dtype)


def source_address(location: str, source: Source) -> SourceAddress:
    """Return the address under which tasks find `source` again."""
    return SourceAddress(location, source.fingerprint)
