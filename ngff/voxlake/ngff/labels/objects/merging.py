"""Merging: the newest row of each id, over several segments, with bounded memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from voxlake.ngff.labels.label_id import MAX_LABEL
from voxlake.ngff.labels.objects.segment import FILES, read_between
from voxlake.ngff.versioned import sorted_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from voxlake.ngff.labels.objects.segment import Segment
    from voxlake.platform.store import StoreURL


def newest_rows(tables: Sequence[pa.Table]) -> pa.Table:
    """Return the rows of tables, oldest first, ascending by id; of equal ids the newest."""
    rows = pa.concat_tables(tables).combine_chunks()
    ids = rows["id"].to_numpy()
    order = np.argsort(ids, kind="stable")
    ordered = ids[order]
    last = np.append(ordered[1:] != ordered[:-1], np.ones(min(1, len(ids)), np.bool_))
    return rows.take(pa.array(order[last]))


def living(rows: pa.Table) -> pa.Table:
    """Return the rows that are not deleted."""
    return rows.filter(pc.invert(rows["deleted"]))


def scan(objects_url: StoreURL, segments: Sequence[Segment], after: int = 0) -> Iterator[pa.Table]:
    """Yield the newest rows of segments, oldest first, in tables that ascend by id.

    Deleted rows are among them. A table comes of at most one row group of each large segment, so
    memory is bounded whatever the segments hold.

    Parameters
    ----------
    after
        Only ids above it.
    """
    low = after
    while alive := [segment for segment in segments if segment.last > low]:
        high = min(_bound(objects_url, segment, low) for segment in alive)
        begun = [segment for segment in alive if segment.first <= high]
        if begun:
            yield newest_rows([read_between(objects_url, segment, low, high) for segment in begun])
        low = high


def _bound(objects_url: StoreURL, segment: Segment, low: int) -> int:
    """Return up to which id above `low` a segment is read at once."""
    if segment.rows <= sorted_file.GROUP_ROWS:
        return MAX_LABEL
    if segment.first > low + 1:
        return segment.first - 1
    groups = sorted_file.read_footer(FILES, objects_url, segment).groups
    return next(group.last for group in groups if group.last > low)
