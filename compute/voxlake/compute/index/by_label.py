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
from voxlake.compute.plan import Plan, Result, fingerprint
from voxlake.ngff.labels.bulk.build import Build
from voxlake.ngff.labels.bulk.fragment import write_fragment
from voxlake.ngff.labels.bulk.pieces import choose_pieces, write_range
from voxlake.ngff.labels.bulk.publish import publish_bulk
from voxlake.ngff.labels.handle import Labels

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxlake.ngff.grid.box import Cell
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL

    type _Do = Callable[[Build, int], object]
    type _Stage = tuple[str, int, _Do, int]
    """Name, tasks, what each does, and the memory that it is projected to need."""

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
class SegmentTask:
    """Do one step of the build, or all of them; again writes the same, and what is done stays."""

    step: _Do
    target: StoreURL
    index: StoreURL
    job: str
    fragments: int
    cell: Cell
    """Which of the tasks of a step; before that the time point, of labels in time."""

    def __call__(self) -> Result:
        """Do it."""
        *time, number = self.cell
        labels = Labels(opened_volume(self.target), self.index).at_time(*time)
        self.step(Build(labels, self.job, self.fragments), number)
        return Result()


def ranges(build: Build, _: int) -> None:
    """Choose ranges of labels by the quantiles of all fragments, once."""
    choose_pieces(build)


def publish(build: Build, _: int) -> None:
    """Put the segment in force, and clear away what the job needed."""
    publish_bulk(build)


def all_steps(build: Build, _: int) -> None:
    """Do all of it, for a dataset of one fragment."""
    for step in (write_fragment, ranges, write_range, publish):
        step(build, 0)


def plan_index_segments(volume: Volume, index: StoreURL, job: str) -> list[Plan]:
    """Plan the segment of the labels `volume` (level 0), whose sidecars are written before.

    Of labels in time there is one for each time point, and all are made at once.

    Parameters
    ----------
    volume, index
        What is indexed, and where its index lies.
    job
        ULID of the job: the dataset bears its mark from before the first task on (`begin_bulk`).
    """
    times, shards = volume.grid[:-3], math.prod(volume.grid[-3:])
    fragments = fragment_count(shards)
    mark = fingerprint("index-runs", volume.url, index, job, fragments, volume.metadata)
    rows = rows_bytes(shards * shard_bytes(volume))
    anew, last = max(rows, index_bytes(volume)), publish_bytes(shards)
    if fragments == 1:
        stages: list[_Stage] = [("index-runs", 1, all_steps, anew)]
    else:
        stages = [
            ("index-fragments", fragments, write_fragment, anew),
            ("index-ranges", 1, ranges, rows),
            ("index-runs", fragments, write_range, rows),
            ("index-publish", 1, publish, last),
        ]
    where = volume.url, index, job
    return [
        Plan(name, (*times, tasks), partial(SegmentTask, step, *where, fragments), mark, n)
        for name, tasks, step, n in stages
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
