"""Index: the label index of each shard of labels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from voxlake.compute.opened import opened_volume
from voxlake.compute.passes.ingest import shard_bytes
from voxlake.compute.passes.threads import run_ordered, thread_count
from voxlake.compute.plan import Plan, Result, fingerprint
from voxlake.ngff.labels.scan.stored import BATCH_BYTES
from voxlake.ngff.labels.sidecars.build import ensure_indexed, index_shard
from voxlake.ngff.labels.times import shard_in_time
from voxlake.ngff.shards.format import find_shard_format

ROWS_BYTES = 256 << 20
"""Of the rows of a shard, in order and encoded; of a small one no more than of its voxels."""

if TYPE_CHECKING:
    from voxlake.ngff.grid.box import Cell
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL


@dataclass(frozen=True, slots=True)
class IndexTask:
    """Read one shard and write its sidecar, tagged with the ETag of what was read.

    If `keep`, a sidecar that is whole and of the shard as it is stays, and nothing is decoded.
    """

    target: StoreURL
    index: StoreURL
    cell: Cell
    keep: bool = False

    def __call__(self) -> Result:
        """Write the sidecar; doing it again writes the same rows."""
        volume, index, cell = shard_in_time(opened_volume(self.target), self.index, self.cell)
        make = ensure_indexed if self.keep else index_shard
        indexed = make(volume, cell, index, run_ordered)
        return Result(voxels=volume.shard_box(cell).size, bytes=indexed.bytes)


def plan_index(volume: Volume, index: StoreURL, *, keep: bool = False) -> Plan:
    """Plan the sidecar of every shard of the labels `volume` (level 0), at all time points.

    With `keep`, those that are of the shard as it is are left, and its voxels not read.
    """
    return Plan(
        "index",
        volume.grid,
        partial(IndexTask, volume.url, index, keep=keep),
        fingerprint("index", volume.url, index, volume.metadata),
        index_bytes(volume),
        math.prod(volume.shape),
    )


def index_bytes(volume: Volume) -> int:
    """Return the projected peak memory of indexing one shard, in bytes.

    The stored shard, which may be as large as the voxels; the decoded chunks that threads scan;
    and the rows. A shard whose chunks cannot be decoded one by one is decoded whole. How many rows
    there will be is not known: a label for every few voxels, as of noise, takes more.
    """
    if find_shard_format(volume) is None:
        return shard_bytes(volume) * 2
    return scan_bytes(shard_bytes(volume), volume.chunk_bytes)


def scan_bytes(shard: int, chunk: int) -> int:
    """Return the projected peak of scanning a shard chunk by chunk, given their decoded sizes."""
    return shard + thread_count() * 2 * max(BATCH_BYTES, chunk) + min(ROWS_BYTES, shard)
