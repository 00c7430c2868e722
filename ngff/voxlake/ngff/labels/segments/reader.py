"""Reading segments by label: one range per file once its footer is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from voxlake.ngff.labels.segments.rows import SegmentRows, join_rows
from voxlake.ngff.labels.segments.segment_file import FILES
from voxlake.ngff.versioned.sorted_file import groups_between, groups_with, read_footer, read_groups

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from voxlake.ngff.labels.segments.manifest import Segment, SegmentFile
    from voxlake.platform.store import StoreURL


def find_in_segment(
    index_url: StoreURL, segment: Segment, labels: npt.NDArray[np.uint64]
) -> SegmentRows:
    """Return the rows of the given labels, ascending and each once, in a segment."""
    return join_rows(
        rows for file in segment.files for rows in find_in_file(index_url, file, labels)
    )


def find_in_file(
    index_url: StoreURL, file: SegmentFile, labels: npt.NDArray[np.uint64]
) -> Iterator[SegmentRows]:
    """Yield the rows of the given labels, ascending and each once, in a file, piece by piece."""
    low = int(np.searchsorted(labels, np.uint64(file.first)))
    if low < len(labels) and int(labels[low]) <= file.last:
        groups = groups_with(read_footer(FILES, index_url, file), labels)
        for rows in read_groups(FILES, index_url, file, groups, keep=True):
            yield rows.of_labels(labels)


def rows_between(
    index_url: StoreURL, file: SegmentFile, first: int, last: int
) -> Iterator[SegmentRows]:
    """Yield the rows of labels from `first` to `last`, both included, of a file, piece by piece."""
    if file.first > last or file.last < first:
        return
    groups = groups_between(read_footer(FILES, index_url, file), first, last)
    for rows in read_groups(FILES, index_url, file, groups):
        inside = rows.where((rows.labels >= np.uint64(first)) & (rows.labels <= np.uint64(last)))
        if len(inside):
            yield inside
