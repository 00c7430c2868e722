"""Reading segments by label: one range per file once its footer is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from voxlake.ngff.labels.segments.cover import Cover, cover_url, decode_cover
from voxlake.ngff.labels.segments.rows import SegmentRows, join_rows
from voxlake.ngff.labels.segments.segment_file import FILES, file_url
from voxlake.ngff.memory.cache import Cached
from voxlake.ngff.versioned import sorted_file
from voxlake.ngff.versioned.sorted_file import Footer, groups_with
from voxlake.platform import store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from voxlake.ngff.labels.segments.manifest import Segment, SegmentFile
    from voxlake.platform.store import StoreURL

_covers = Cached[Cover]("covers of label rows")


def read_cover(index_url: StoreURL, segment: Segment) -> Cover:
    """Return the cover of a segment."""
    url = cover_url(index_url, segment.cover)
    return _covers.get(url, lambda: decode_cover(store.read(url).body), lambda one: one.nbytes)


def read_footer(index_url: StoreURL, file: SegmentFile) -> Footer:
    """Return the footer of a file."""
    return sorted_file.read_footer(FILES, file_url(index_url, file.ulid), file)


def read_groups(
    index_url: StoreURL, file: SegmentFile, groups: Sequence[int], *, keep: bool = False
) -> Iterator[SegmentRows]:
    """Yield the rows of row groups of a file, ascending; with `keep` they are kept in memory."""
    url = file_url(index_url, file.ulid)
    return sorted_file.read_groups(FILES, url, file, groups, keep=keep)


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
        groups = groups_with(read_footer(index_url, file), labels)
        for rows in read_groups(index_url, file, groups, keep=True):
            yield rows.of_labels(labels)
