"""Rows of segments: what is known of every label in every shard, sorted by label, then shard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pyarrow as pa

from voxlake.ngff.columns import arrow_column, numpy_column
from voxlake.ngff.labels.table import LabelTable
from voxlake.ngff.memory.columns import LabelColumns, joined, merged, no_lines

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from voxlake.ngff.labels.scan.rows import Rows

ROW_BYTES = 80
"""Of a row without its chunks."""


@dataclass(frozen=True, slots=True, eq=False)
class SegmentRows(LabelColumns):
    """One row per (label, shard)."""

    shards: npt.NDArray[np.uint64]
    """(n,) C-order number of the shard in the write grid."""
    voxels: npt.NDArray[np.uint64]
    """(n,) voxels of the shard that have the label; at least 1."""
    start: npt.NDArray[np.int64]
    """(n, 3) first z, y, x of the label in the shard, in coordinates of the volume."""
    stop: npt.NDArray[np.int64]
    """(n, 3) one past its last z, y, x: boxes are tight and half-open."""
    chunk_counts: npt.NDArray[np.int64]
    """(n,) chunks of the shard that hold the label."""
    chunks: npt.NDArray[np.uint16]
    """(sum of `chunk_counts`,) their numbers, as in `Rows.chunks`, row after row."""

    @property
    def nbytes(self) -> int:
        """Memory that the rows take, in bytes."""
        return ROW_BYTES * len(self) + self.chunks.nbytes

    def take(self, lines: npt.NDArray[np.intp]) -> SegmentRows:
        """Return the given rows, in that order."""
        return SegmentRows(
            self.labels[lines],
            self.shards[lines],
            self.voxels[lines],
            self.start[lines],
            self.stop[lines],
            self.chunk_counts[lines],
            numpy_column(chunk_lists(self).take(arrow_column(lines)).flatten()),
        )

    def ordered(self) -> SegmentRows:
        """Return the rows by ascending label, then shard."""
        order = order_of(self.labels, self.shards)
        return self if (order[1:] > order[:-1]).all() else self.take(order)


def order_of(
    labels: npt.NDArray[np.uint64], shards: npt.NDArray[np.uint64]
) -> npt.NDArray[np.intp]:
    """Return what sorts rows by label, then shard.

    It is quick for what consists of few sorted pieces, where sorting by both at once is not.
    """
    order = np.argsort(labels, kind="stable")
    labels, shards = labels[order], shards[order]
    is_new = labels[1:] != labels[:-1]
    wrong = ~is_new & (shards[1:] < shards[:-1])
    if wrong.any():
        number = np.concatenate([[0], np.cumsum(is_new)])
        mixed = np.zeros(int(number[-1]) + 1, np.bool_)
        mixed[number[1:][wrong]] = True
        lines = np.flatnonzero(mixed[number])
        order[lines] = order[lines][np.lexsort((shards[lines], number[lines]))]
    return order


def chunk_lists(rows: SegmentRows) -> pa.ListArray[Any]:
    """Return the chunks of each row as a list of Arrow's."""
    offsets = np.concatenate(([0], np.cumsum(rows.chunk_counts))).astype(np.int32)
    # The stubs know lists only by their items' types, and no array by that of its own items.
    starts = cast("pa.Int32Array", arrow_column(offsets))
    lists: pa.ListArray[Any] = pa.ListArray.from_arrays(
        starts, arrow_column(rows.chunks), type=pa.list_(pa.uint16())
    )
    return lists


def join_rows(tables: Iterable[SegmentRows]) -> SegmentRows:
    """Return the rows of all tables, one table after the other."""
    return joined([NO_ROWS, *tables])


def in_order(tables: list[SegmentRows]) -> SegmentRows:
    """Return the rows of all tables in order; the list is emptied, so that none is held twice."""
    rows = join_rows(tables)
    tables.clear()
    return rows.ordered()


def rows_of_shard(rows: Rows, shard: int) -> SegmentRows:
    """Return what the rows of one shard, per (label, chunk), say of each label.

    Parameters
    ----------
    shard
        Its number in the write grid.
    """
    if not len(rows):
        return NO_ROWS
    labels, first = np.unique(rows.labels, return_index=True)
    return SegmentRows(
        labels,
        np.full(len(labels), shard, np.uint64),
        np.add.reduceat(rows.voxels, first),
        np.minimum.reduceat(rows.start, first, axis=0),
        np.maximum.reduceat(rows.stop, first, axis=0),
        np.diff(first, append=len(rows)).astype(np.int64),
        rows.chunks,
    )


def table_of_rows(rows: SegmentRows) -> LabelTable:
    """Return one line per label of rows in any order."""
    one = np.ones(len(rows), np.int64)
    return merged(
        LabelTable(rows.labels, rows.voxels, rows.start, rows.stop, rows.chunk_counts, one)
    )


NO_ROWS = no_lines(SegmentRows, "u8", "u8", "u8", "3i8", "3i8", "i8", "u2")
