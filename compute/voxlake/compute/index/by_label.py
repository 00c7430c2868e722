"""Index, by label: the rows of all shards become one segment, by tasks of bounded size.

Fragments are the rows of some shards; one task cuts the labels of them all into ranges; the rows
of each range are merged; one task puts the segment in force. `voxlake.ngff.labels.bulk.build` has
the protocol. A dataset that is one fragment takes one task for all of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from voxlake.compute.index.shards import index_bytes
from voxlake.compute.opened import opened_volume
from voxlake.compute.passes.ingest import shard_bytes
from voxlake.compute.plan import Cell, Plan, Result, fingerprint, write_grid
from voxlake.ngff.labels.bulk.build import Build
from voxlake.ngff.labels.bulk.fragment import write_fragment
from voxlake.ngff.labels.bulk.pieces import choose_pieces, write_range
from voxlake.ngff.labels.bulk.publish import publish_bulk

if TYPE_CHECKING:
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL

FRAGMENT_SHARDS = 64
"""Shards of a fragment, as long as there are not too many fragments."""

MOST_FRAGMENTS = 4096
"""A range may need something of every fragment: their number is bounded, so requests are."""

RUNS_BYTES = 768 << 20
"""Projected peak of a task: rows as they wait, in order, and encoded; measured, with room.

Only the last holds an ETag for each shard.
"""

LEAST_BYTES = 64 << 20
"""Of a task of few rows."""

ETAG_BYTES = 1000
"""Of a shard, its ETag, and the one that is listed."""


@dataclass(frozen=True, slots=True)
class RunsSpec:
    """What all tasks of a job have in common."""

    target: StoreURL
    index: StoreURL
    job: str
    fragments: int

    def build(self) -> Build:
        """Return the build that the job works on."""
        return Build(opened_volume(self.target), self.index, self.job, self.fragments)


@dataclass(frozen=True, slots=True)
class FragmentTask:
    """Write the rows of some shards by label."""

    spec: RunsSpec
    cell: Cell

    def __call__(self) -> Result:
        """Write the fragment; one that is there stays."""
        write_fragment(self.spec.build(), self.cell[0])
        return Result()


@dataclass(frozen=True, slots=True)
class RangesTask:
    """Choose ranges of labels by the quantiles of all fragments."""

    spec: RunsSpec
    cell: Cell

    def __call__(self) -> Result:
        """Choose once: what was chosen stays."""
        choose_pieces(self.spec.build())
        return Result()


@dataclass(frozen=True, slots=True)
class RangeTask:
    """Merge the rows of a range of labels; of few labels some ranges are empty."""

    spec: RunsSpec
    cell: Cell

    def __call__(self) -> Result:
        """Write the parts of the range; doing it again writes the same bytes."""
        write_range(self.spec.build(), self.cell[0])
        return Result()


@dataclass(frozen=True, slots=True)
class PublishTask:
    """Put the segment in force, and clear away what the job needed."""

    spec: RunsSpec
    cell: Cell

    def __call__(self) -> Result:
        """Publish; once that is done, do nothing."""
        publish_bulk(self.spec.build())
        return Result()


@dataclass(frozen=True, slots=True)
class AllSegmentsTask:
    """Do all of it, for a dataset of one fragment."""

    spec: RunsSpec
    cell: Cell

    def __call__(self) -> Result:
        """Write the segment and put it in force; what is done already is not done again."""
        build = self.spec.build()
        write_fragment(build, 0)
        choose_pieces(build)
        write_range(build, 0)
        publish_bulk(build)
        return Result()


def plan_index_segments(volume: Volume, index: StoreURL, job: str) -> list[Plan]:
    """Plan the segment of the labels `volume` (level 0), whose sidecars are written before.

    Parameters
    ----------
    volume, index
        What is indexed, and where its index lies.
    job
        ULID of the job: the dataset bears its mark from before the first task on (`begin_bulk`).
    """
    shards = math.prod(write_grid(volume.shape, volume.shard))
    fragments = fragment_count(shards)
    spec = RunsSpec(volume.url, index, job, fragments)
    mark = fingerprint("index-runs", volume.url, index, job, fragments, volume.metadata)
    rows = rows_bytes(shards * shard_bytes(volume))
    anew = max(rows, index_bytes(volume))
    if fragments == 1:
        return [Plan("index-runs", (1,), partial(AllSegmentsTask, spec), mark, anew)]
    return [
        Plan("index-fragments", (fragments,), partial(FragmentTask, spec), mark, anew),
        Plan("index-ranges", (1,), partial(RangesTask, spec), mark, rows),
        Plan("index-runs", (fragments,), partial(RangeTask, spec), mark, rows),
        Plan("index-publish", (1,), partial(PublishTask, spec), mark, publish_bytes(shards)),
    ]


def rows_bytes(voxels: int) -> int:
    """Return the projected peak of sorting or merging rows, given all voxels in bytes.

    Examples
    --------
    >>> rows_bytes(1 << 20) >> 20, rows_bytes(1 << 50) >> 20
    (65, 768)
    """
    return min(RUNS_BYTES, LEAST_BYTES + voxels)


def publish_bytes(shards: int) -> int:
    """Return the projected peak of putting a segment of so many shards in force."""
    return 2 * LEAST_BYTES + ETAG_BYTES * shards


def fragment_count(shards: int) -> int:
    """Return into how many fragments so many shards are cut.

    Examples
    --------
    >>> fragment_count(1), fragment_count(64), fragment_count(65), fragment_count(1_000_000)
    (1, 1, 2, 4096)
    """
    return min(MOST_FRAGMENTS, math.ceil(shards / FRAGMENT_SHARDS))
