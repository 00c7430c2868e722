"""Compaction: shards that were written are taken into segments, and their markers deleted.

Any number of processes may compact at once, and be cut off anywhere. What counts is the manifest
that one of them creates; markers are deleted after it, so a shard is asked itself until then.
At last what nothing needs any more is swept: segments, manifests, scratch of bulk jobs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import batched
from typing import TYPE_CHECKING

from voxlake.ngff.labels.bulk.build import building_url
from voxlake.ngff.labels.scan.rows import Rows, check_labels
from voxlake.ngff.labels.scan.stored import stored_rows
from voxlake.ngff.labels.segments.manifest import (
    MANIFESTS,
    Manifest,
    geometry_of,
    manifests_url,
    newest_manifest,
)
from voxlake.ngff.labels.segments.publishing import discard, publish, write_segment
from voxlake.ngff.labels.segments.rows import SegmentRows, in_order, rows_of_shard
from voxlake.ngff.labels.sidecars import build
from voxlake.ngff.labels.sidecars.trust import known_rows, stored_shards
from voxlake.ngff.labels.upkeep.marker import Marker, has_bulk_job, list_markers, read_marker
from voxlake.ngff.labels.upkeep.merging import merge_if_many
from voxlake.ngff.versioned import sweeping
from voxlake.ngff.versioned.contention import until_first
from voxlake.platform import store
from voxlake.platform.parallel import in_parallel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from voxlake.ngff.grid.box import Cell
    from voxlake.ngff.labels.handle import Labels
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL

SEGMENT_ROWS = 1 << 20
"""Rows in memory, roughly, before they are written as a segment."""

WINDOW = 32
"""Shards whose sidecars are read at a time."""


@dataclass(frozen=True, slots=True)
class Compacted:
    """What a compaction did."""

    number: int | None
    """Number of the newest manifest; None if there is none."""
    shards: int
    """Shards that were taken into segments."""
    rows: int
    """Rows (label, shard) of these segments."""
    merged: bool
    """Whether segments were merged into one."""
    swept: int
    """Objects that were deleted because nothing names them any more."""


def compact(labels: Labels) -> Compacted:
    """Take the shards that were written into a segment; merge the segments if they are many; sweep.

    The first compaction takes every stored shard. Memory is bounded by some `SEGMENT_ROWS` rows, or
    a decoded shard. Shards whose writer is not done are left alone (see `audit`).

    Raises
    ------
    ConflictError
        If other processes compact so often that this one is never first.
    CorruptDataError, StoreError
        If voxels or segments that are needed do not decode, or the store fails. Nothing is lost.
    """
    check_labels(labels.volume)
    taken = until_first(lambda: _take_in(labels), f"the index {labels.index_url}")
    merged = merge_if_many(labels)
    swept = sweep_segments(labels.index_url)
    newest = newest_manifest(labels.index_url)
    return Compacted(newest.number if newest else None, *taken, merged, swept)


def _take_in(labels: Labels) -> tuple[int, int] | None:
    """Return how many shards and rows were taken in; None if another compaction was first."""
    # Markers first: one that is there after a manifest was read may be newer than its segments.
    markers = list_markers(labels.index_url)
    before = newest_manifest(labels.index_url)
    fits = before is not None and before.geometry == geometry_of(labels.volume)
    if not fits and any(marker.cell is None for marker in markers):
        return 0, 0  # The bulk job is about to make the first segments.
    consumed = _done(markers)
    marked = (marker.cell for marker in consumed)
    cells = {cell for cell in marked if cell and labels.volume.has_shard(cell)}
    if not fits:
        cells |= set(stored_shards(labels.volume))
    parts = rows_in_parts(labels, sorted(cells), WINDOW, len, SEGMENT_ROWS)
    segments = [write_segment(labels.index_url, rows, etags) for rows, etags in parts]
    if segments or not fits:
        older = before.segments if before and fits else ()
        if not publish(labels, before, (*older, *segments)):
            discard(labels.index_url, segments)
            return None
    list(in_parallel(lambda marker: store.delete(marker.url), consumed))
    return len(cells), sum(segment.rows for segment in segments)


def _done(markers: list[Marker]) -> list[Marker]:
    """Return those whose writers are done: the others may write yet, and must stay."""
    shards = [marker for marker in markers if marker.cell is not None]
    states = in_parallel(read_marker, shards)
    return [
        marker
        for marker, state in zip(shards, states, strict=True)
        if state is not None and state.state == "done"
    ]


def rows_in_parts(
    labels: Labels,
    cells: Iterable[Cell],
    window: int,
    by: Callable[[SegmentRows], int],
    most: int,
) -> Iterator[tuple[SegmentRows, dict[int, str]]]:
    """Yield the rows of some shards at a time, in order, and the ETag of each of these by number.

    Parameters
    ----------
    window
        Shards whose sidecars are read at a time.
    by, most
        Shards are put together until their rows are so many, by that measure.
    """
    parts: list[SegmentRows] = []
    etags: dict[int, str] = {}
    for shard, rows, etag in _rows_by_shard(labels, cells, window):
        parts.append(rows)
        etags[shard] = etag
        if sum(map(by, parts)) >= most:
            yield in_order(parts), etags
            etags = {}
    if etags:
        yield in_order(parts), etags


def _rows_by_shard(
    labels: Labels, cells: Iterable[Cell], window: int
) -> Iterator[tuple[int, SegmentRows, str]]:
    """Yield number, rows and ETag of each shard: by sidecars, read `window` at a time, or voxels.

    A shard that is not stored has no rows, and an empty ETag.
    """

    def by_label(cell: Cell, rows: Rows, etag: str) -> tuple[int, SegmentRows, str]:
        number = labels.volume.shard_number(cell)
        return number, rows_of_shard(rows, number), etag

    def ask(cell: Cell) -> tuple[int, SegmentRows, str] | None:
        known = known_rows(labels.volume, labels.index_url, cell)
        return None if known is None else by_label(cell, *known)

    for some in batched(cells, window):
        for cell, answer in zip(some, list(in_parallel(ask, some)), strict=True):
            # One at a time: a whole shard of decoded labels can take a gigabyte.
            yield answer or by_label(cell, *_index_anew(labels.volume, labels.index_url, cell))


def _index_anew(volume: Volume, index_url: StoreURL, cell: Cell) -> tuple[Rows, str]:
    """Write the sidecar of a shard; return rows and ETag, empty if nothing is stored.

    Both are of the same bytes, even if others write shard or sidecar meanwhile.
    """
    build.index_shard(volume, cell, index_url)
    return known_rows(volume, index_url, cell) or stored_rows(volume, cell)


_JOB = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")


def sweep_segments(index_url: StoreURL) -> int:
    """Delete all but the newest manifests, and old segments that none of them names; count objects.

    All segments stay while a bulk job runs: it may put in force what it wrote days ago. So does
    the scratch of a job that has a mark. Raises as `sweeping.sweep`.
    """
    swept = sweeping.sweep(
        MANIFESTS,
        manifests_url(index_url),
        index_url / "runs",
        _named,
        lambda: not has_bulk_job(index_url),
    )
    return swept + _delete_dead_scratch(index_url)


def _named(manifest: Manifest) -> set[str]:
    return {ulid for segment in manifest.segments for ulid in segment.ulids}


def _delete_dead_scratch(index_url: StoreURL) -> int:
    """Delete what jobs left that are over: they have no mark, and began long ago."""
    jobs, _ = store.list_children(building_url(index_url))
    marked = {marker.ulid for marker in list_markers(index_url) if marker.cell is None}
    count = 0
    for job in jobs:
        is_job = _JOB.fullmatch(job) is not None and job not in marked
        if is_job and sweeping.is_older(job, sweeping.SWEEP_AGE_S):
            count += sum(1 for _ in store.walk(building_url(index_url) / job))
            store.delete_tree(building_url(index_url) / job)
    return count
