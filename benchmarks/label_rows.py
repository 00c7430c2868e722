"""Rows of a label index that were found in no voxels: as many as wanted, the same each time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import zarr

from voxlake.ngff.labels.segments.rows import SegmentRows
from voxlake.ngff.volume import open_volume
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy.typing as npt

    from voxlake.ngff.volume import Volume

GRID, SHARD, CHUNK = 8, 1024, 128
"""Shards along each axis; edges of a shard and of a chunk, in voxels."""

PIECE_ROWS = 1 << 20
"""Rows that are made at a time, about."""

ROWS_OF_LABEL = 1.73
"""Shards that a label is in, on average: as of neurites in shards of this size."""


@dataclass(frozen=True, slots=True)
class Synthetic:
    """About `rows` rows of labels, each in a few shards that follow one another along x."""

    rows: int

    def pieces(self) -> Iterator[SegmentRows]:
        """Yield the rows by ascending label, in pieces that share none."""
        pieces = -(-self.rows // PIECE_ROWS)
        width = (1 << 63) // pieces
        for piece in range(pieces):
            rows = min(PIECE_ROWS, self.rows - piece * PIECE_ROWS)
            yield _piece(np.random.default_rng([self.rows, piece]), rows, piece * width, width)


def new_volume(folder: Path) -> Volume:
    """Return a volume that has room for such rows, with no voxel stored."""
    zarr.create_array(
        str(folder),
        shape=(GRID * SHARD,) * 3,
        chunks=(CHUNK,) * 3,
        shards=(SHARD,) * 3,
        dtype="uint64",
        fill_value=0,
    )
    return open_volume(StoreURL.parse(str(folder)))


def changed(rows: SegmentRows, shards: npt.NDArray[np.uint64]) -> SegmentRows:
    """Return the rows of some shards as of a later state: each label has one voxel more there."""
    some = rows.where(np.isin(rows.shards, shards))
    one = np.ones(len(some), np.uint64)
    return SegmentRows(
        some.labels,
        some.shards,
        some.voxels + one,
        some.start,
        some.stop,
        some.chunk_counts,
        some.chunks,
    )


def _piece(rng: np.random.Generator, rows: int, first: int, width: int) -> SegmentRows:
    count = max(int(rows / ROWS_OF_LABEL), 1)
    ids = np.unique(rng.integers(first + 1, first + width, count, np.uint64))
    per = 1 + np.bincount(rng.integers(0, len(ids), rows - len(ids)), minlength=len(ids))
    # At most a row of shards.
    per = np.minimum(per, GRID)
    labels = np.repeat(ids, per)
    place = np.arange(len(labels)) - np.repeat(np.cumsum(per) - per, per)
    x = np.repeat(rng.integers(0, GRID - per + 1), per) + place
    zy = np.repeat(rng.integers(0, GRID, (len(ids), 2)), per, axis=0)
    cells = np.concatenate([zy, x[:, None]], axis=1)
    low = rng.integers(0, SHARD - 200, (len(labels), 3))
    start = cells * SHARD + low
    counts = rng.integers(1, 9, len(labels))
    # Ascending in each row: far apart, with some noise below.
    order = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
    chunks = order * 60 + rng.integers(0, 60, len(order))
    return SegmentRows(
        labels,
        np.ravel_multi_index(tuple(cells.T), (GRID,) * 3).astype(np.uint64),
        rng.integers(1, 1 << 20, len(labels), np.uint64),
        start,
        start + rng.integers(1, 200, (len(labels), 3)),
        counts,
        chunks.astype(np.uint16),
    )
