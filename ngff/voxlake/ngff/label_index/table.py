"""Tables: the rows of the index merged to one line per label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from voxlake.ngff.label_index.rows import Rows


@dataclass(frozen=True, slots=True, eq=False)
class LabelTable:
    """One line per label, ascending; the background 0 has none."""

    labels: npt.NDArray[np.uint64]
    """(n,) ids."""
    voxels: npt.NDArray[np.uint64]
    """(n,) voxels of the label."""
    start: npt.NDArray[np.int64]
    """(n, 3) first z, y, x of the label."""
    stop: npt.NDArray[np.int64]
    """(n, 3) one past its last z, y, x."""
    chunks: npt.NDArray[np.int64]
    """(n,) chunks that hold some of the label."""
    shards: npt.NDArray[np.int64]
    """(n,) shards that hold some of the label."""

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, lines: npt.NDArray[np.intp]) -> LabelTable:
        """Return the given lines, in that order."""
        return LabelTable(
            self.labels[lines],
            self.voxels[lines],
            self.start[lines],
            self.stop[lines],
            self.chunks[lines],
            self.shards[lines],
        )

    def largest(self, count: int) -> LabelTable:
        """Return the `count` labels of most voxels, most first; the smaller id of equals."""
        # Sorting the complement, because uint64 cannot be negated.
        return self.take(np.argsort(~self.voxels, kind="stable")[:count])


def table_of_shard(rows: Rows) -> LabelTable:
    """Return the labels of one shard."""
    one = np.ones(len(rows), np.int64)
    merged = _merge(LabelTable(rows.labels, rows.voxels, rows.start, rows.stop, one, one))
    return LabelTable(
        merged.labels,
        merged.voxels,
        merged.start,
        merged.stop,
        merged.chunks,
        np.ones(len(merged), np.int64),
    )


def merge_tables(tables: Iterable[LabelTable]) -> LabelTable:
    """Return the labels of all of several disjoint shards."""
    parts = [_EMPTY, *tables]
    return _merge(
        LabelTable(
            np.concatenate([part.labels for part in parts]),
            np.concatenate([part.voxels for part in parts]),
            np.concatenate([part.start for part in parts]),
            np.concatenate([part.stop for part in parts]),
            np.concatenate([part.chunks for part in parts]),
            np.concatenate([part.shards for part in parts]),
        )
    )


_EMPTY = LabelTable(
    np.empty(0, np.uint64),
    np.empty(0, np.uint64),
    np.empty((0, 3), np.int64),
    np.empty((0, 3), np.int64),
    np.empty(0, np.int64),
    np.empty(0, np.int64),
)


def _merge(table: LabelTable) -> LabelTable:
    if not len(table):
        return _EMPTY
    ordered = table.take(np.argsort(table.labels, kind="stable"))
    labels, first = np.unique(ordered.labels, return_index=True)
    return LabelTable(
        labels,
        np.add.reduceat(ordered.voxels, first),
        np.minimum.reduceat(ordered.start, first, axis=0),
        np.maximum.reduceat(ordered.stop, first, axis=0),
        np.add.reduceat(ordered.chunks, first),
        np.add.reduceat(ordered.shards, first),
    )
