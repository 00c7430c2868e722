"""Merging: all segments into one, by ranges of labels, so that a look-up reads one place again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from voxlake.ngff.labels.segments.cover import newest_etags, read_cover
from voxlake.ngff.labels.segments.manifest import (
    Manifest,
    Segment,
    SegmentFile,
    geometry_of,
    newest_manifest,
)
from voxlake.ngff.labels.segments.publishing import discard, finish_segment, publish
from voxlake.ngff.labels.segments.rows import SegmentRows, join_rows
from voxlake.ngff.labels.segments.segment_file import FILES, rows_between, write_file
from voxlake.ngff.labels.state import IndexState, segments_in_force, without
from voxlake.ngff.labels.upkeep.marker import has_bulk_job
from voxlake.ngff.versioned import sorted_file
from voxlake.ngff.versioned.contention import until_first
from voxlake.ngff.versioned.sorted_file import read_footer
from voxlake.platform.errors import ConflictError, ObjectNotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from voxlake.ngff.labels.handle import Labels
    from voxlake.platform.store import StoreURL

MAX_DELTAS = 8
"""Segments on top of the oldest one above which all are merged."""

MAX_SHARE = 0.1
"""Rows of these, as a share of the rows of the oldest, above which all are merged."""

MERGE_ROWS = 1 << 20
"""Rows in memory at a time, roughly, and rows of a file of the merged segment."""


type _Piece = tuple[SegmentFile, npt.NDArray[np.uint64]]
"""A file of a segment in force, and the shards, ascending, of which it must not tell."""


def merge_if_many(labels: Labels) -> bool:
    """Merge the segments in force if they are many or large beside the oldest; say if they were.

    While a bulk job runs nothing is merged, because its segment takes the place of those that were
    in force when it began.
    """
    manifest = newest_manifest(labels.index_url)
    if manifest is None or manifest.geometry != geometry_of(labels.volume):
        return False
    if not _are_many(manifest) or has_bulk_job(labels.index_url):
        return False
    return merge_segments(labels, manifest)


def merge_segments(labels: Labels, manifest: Manifest) -> bool:
    """Put one segment in the place of those of `manifest`; False if another process was first."""
    try:
        merged = _merge(labels, manifest)
    except ObjectNotFoundError:
        return False  # Swept, so another process has merged them.
    count, covers = len(manifest.segments), [segment.cover for segment in manifest.segments]

    def offer() -> bool | None:
        newest = newest_manifest(labels.index_url)
        if newest is None or [segment.cover for segment in newest.segments[:count]] != covers:
            return False
        # After the manifest: a bulk job that begins now takes the number that is offered next.
        if has_bulk_job(labels.index_url):
            return False
        # Segments that were added meanwhile are newer than all that were merged.
        segments = (merged, *newest.segments[count:])
        return True if publish(labels, newest, segments) else None

    try:
        done = until_first(offer, f"the index {labels.index_url}")
    except ConflictError:
        done = False  # It is left to those who are quicker, or it took so long that it is swept.
    if not done:
        discard(labels.index_url, [merged])
    return done


def _are_many(manifest: Manifest) -> bool:
    if len(manifest.segments) < 2:
        return False
    oldest, *deltas = (segment.rows for segment in manifest.segments)
    return len(deltas) > MAX_DELTAS or sum(deltas) > MAX_SHARE * oldest


def _merge(labels: Labels, manifest: Manifest) -> Segment:
    """Write the segment that tells what those of `manifest` tell, markers or not."""
    index_url = labels.index_url
    state = IndexState(labels.volume, index_url, manifest, (), bulk=False)
    pieces = [
        (file, hidden) for segment, hidden in segments_in_force(state) for file in segment.files
    ]
    files = [
        write_file(index_url, rows)
        for first, last in _ranges(index_url, pieces)
        if len(rows := _rows_between(index_url, pieces, first, last))
    ]
    etags = newest_etags(read_cover(index_url, segment) for segment in manifest.segments)
    return finish_segment(index_url, files, etags)


def _ranges(index_url: StoreURL, pieces: list[_Piece]) -> Iterator[tuple[int, int]]:
    """Yield ranges (first, last) of labels, both in it, that hold some `MERGE_ROWS` rows each.

    A range of one label can hold more: a label has a row in each of its shards.
    """
    groups = [group for file, _ in pieces for group in read_footer(FILES, index_url, file).groups]
    if not groups:
        return
    firsts = sorted(group.first for group in groups)
    begin, count = firsts[0], 0
    for first in firsts:
        if count >= MERGE_ROWS and first > begin:
            yield begin, first - 1
            begin, count = first, 0
        count += sorted_file.GROUP_ROWS
    yield begin, max(group.last for group in groups)


def _rows_between(index_url: StoreURL, pieces: list[_Piece], first: int, last: int) -> SegmentRows:
    return join_rows(
        without(rows, hidden)
        for file, hidden in pieces
        for rows in rows_between(index_url, file, first, last)
    ).ordered()
