"""Reading segments by label: one range per segment once its footer is known.

Segments never change under their names, so footers, covers and row groups that were read are kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from voxlake.ngff.labels.segments.cover import Cover, cover_url, decode_cover
from voxlake.ngff.labels.segments.part import Footer, decode_footer, decode_group, part_url
from voxlake.ngff.labels.segments.rows import SegmentRows, join_rows
from voxlake.ngff.memory.cache import Cached
from voxlake.platform import store

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from voxlake.ngff.labels.segments.manifest import Part, Segment
    from voxlake.platform.store import StoreURL

GAP_BYTES = 1 << 20
"""Row groups that lie nearer than this are read with what is between them."""

_footers = Cached[Footer]("footers of label rows")
_covers = Cached[Cover]("covers of label rows")
_groups = Cached[SegmentRows]("groups of label rows")


def read_cover(index_url: StoreURL, segment: Segment) -> Cover:
    """Return the cover of a segment."""
    url = cover_url(index_url, segment.cover)
    return _covers.get(url, lambda: decode_cover(store.read(url).body), lambda one: one.nbytes)


def read_footer(index_url: StoreURL, part: Part) -> Footer:
    """Return the footer of a part."""
    url = part_url(index_url, part.ulid)

    def read() -> Footer:
        body = store.read_range(url, part.bytes - part.footer, part.bytes)
        return decode_footer(part, body)

    # What pyarrow makes of a footer takes several times its size.
    return _footers.get(url, read, lambda _: 4 * part.footer)


def find_in_segment(
    index_url: StoreURL, segment: Segment, labels: npt.NDArray[np.uint64]
) -> SegmentRows:
    """Return the rows of the given labels, ascending and each once, in a segment."""
    return join_rows(
        rows for part in segment.parts for rows in find_in_part(index_url, part, labels)
    )


def find_in_part(
    index_url: StoreURL, part: Part, labels: npt.NDArray[np.uint64]
) -> Iterator[SegmentRows]:
    """Yield the rows of the given labels, ascending and each once, in a part, piece by piece."""
    low = int(np.searchsorted(labels, np.uint64(part.first)))
    if low < len(labels) and int(labels[low]) <= part.last:
        groups = _groups_of(read_footer(index_url, part), labels)
        for rows in read_groups(index_url, part, groups, keep=True):
            yield rows.of_labels(labels)


def groups_between(footer: Footer, first: int, last: int) -> list[int]:
    """Return the numbers of the row groups that may have labels from `first` to `last`."""
    return [
        number
        for number, group in enumerate(footer.groups)
        if group.first <= last and group.last >= first
    ]


def read_groups(
    index_url: StoreURL, part: Part, groups: list[int], *, keep: bool = False
) -> Iterator[SegmentRows]:
    """Yield the rows of row groups, ascending; those near one another come in one request.

    With `keep` they are kept for the next who asks: for look-ups, not for whole segments.
    """
    url, footer = part_url(index_url, part.ulid), read_footer(index_url, part)
    kept = {number: _groups.peek((url, number)) for number in groups} if keep else {}
    missing = [number for number in groups if kept.get(number) is None]
    for span in _spans(footer, missing):
        start = footer.groups[span[0]].start
        stop = footer.groups[span[-1]].start + footer.groups[span[-1]].bytes
        body = memoryview(store.read_range(url, start, stop))
        for number in span:
            group = footer.groups[number]
            piece = body[group.start - start : group.start - start + group.bytes]
            rows = decode_group(part, footer, number, piece)
            if keep:
                _groups.put((url, number), rows, rows.nbytes)
            yield rows
    yield from (rows for rows in kept.values() if rows is not None)


def _groups_of(footer: Footer, labels: npt.NDArray[np.uint64]) -> list[int]:
    """Return the numbers of the row groups between whose ends one of the labels lies."""
    begin = np.searchsorted(labels, footer.first, "left")
    end = np.searchsorted(labels, footer.last, "right")
    return [int(number) for number in np.flatnonzero(end > begin)]


def _spans(footer: Footer, groups: list[int]) -> list[list[int]]:
    spans: list[list[int]] = []
    for number in groups:
        group = footer.groups[number]
        if spans and group.start - _stop(footer, spans[-1][-1]) < GAP_BYTES:
            spans[-1].append(number)
        else:
            spans.append([number])
    return spans


def _stop(footer: Footer, number: int) -> int:
    return footer.groups[number].start + footer.groups[number].bytes
