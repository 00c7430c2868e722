"""One label, or all of them: voxel counts and tight boxes, merged from the sidecars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from voxlake.ngff.box import Box
from voxlake.ngff.label_index.rows import check_labels, chunk_starts, find_rows
from voxlake.ngff.label_index.table import LabelTable, merge_tables, table_of_shard
from voxlake.ngff.label_index.trust import in_parallel, stored_shards, trusted_rows
from voxlake.ngff.shard import read_shard
from voxlake.platform.errors import InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from voxlake.ngff.label_index.rows import Rows
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL

MAX_LABEL = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class LabelExtent:
    """Where one label is, and how large."""

    label: int
    voxels: int
    """Voxels that have the label."""
    box: Box
    """The smallest box around them."""
    chunks: int
    """Chunks that hold some of them."""
    shards: int
    """Shards that hold some of them."""


def label_extent(volume: Volume, index_url: StoreURL, label: int) -> LabelExtent:
    """Return count and tight box of `label`, true of each shard as of some moment of the call.

    Reads every sidecar; shards without one that can be trusted are read, one at a time.

    Raises
    ------
    InvalidInputError
        If no voxel can have the label: 0 is the background, and ids end at 2^64 - 1.
    NotFoundError
        If no voxel has it.
    UnsupportedError
        If the volume is none that can be indexed (see `check_labels`).
    CorruptDataError, StoreError
        If voxels that are needed do not decode, or the store fails.
    """
    check_label(label)
    found = _merged(volume, index_url, lambda rows: rows.of_label(label))
    if not len(found):
        raise nowhere(volume, label)
    return LabelExtent(
        label=label,
        voxels=int(found.voxels[0]),
        box=Box(_voxel(found.start[0]), _voxel(found.stop[0])),
        chunks=int(found.chunks[0]),
        shards=int(found.shards[0]),
    )


def list_labels(volume: Volume, index_url: StoreURL) -> LabelTable:
    """Return every label with its voxel count and tight box, ascending by label.

    Reads what `label_extent` reads, and raises what it raises of the volume and the store.
    """
    return _merged(volume, index_url, lambda rows: rows)


def label_chunks(volume: Volume, index_url: StoreURL, label: int) -> npt.NDArray[np.int64]:
    """Return the cells (n, 3) of the chunk grid that hold voxels of `label`, in C order.

    Cell (k, j, i) is the chunk that begins at voxel (k, j, i) times `Volume.chunk`. Raises what
    `label_extent` raises.
    """
    check_label(label)
    check_labels(volume)
    shards = stored_shards(volume)

    def ask(cell: tuple[int, ...]) -> npt.NDArray[np.int64]:
        rows = trusted_rows(volume, index_url, cell, shards[cell])
        if rows is None:
            rows = find_rows(volume, cell, read_shard(volume, cell)[0])
        starts = chunk_starts(volume, cell, rows.of_label(label).chunks)
        return starts // np.array(volume.chunk, np.int64)

    cells = np.concatenate([np.empty((0, 3), np.int64), *in_parallel(ask, shards)])
    if not len(cells):
        raise nowhere(volume, label)
    return cells[np.lexsort(cells.T[::-1])]


def check_label(label: int) -> None:
    """Refuse what no voxel can have: 0 is the background, and ids end at 2^64 - 1."""
    if not 0 < label <= MAX_LABEL:
        raise InvalidInputError(f"{label} is no label; ask for one from 1 to {MAX_LABEL}")


def nowhere(volume: Volume, label: int) -> NotFoundError:
    """Return the error for a label that no voxel has."""
    return NotFoundError(f"no voxel of {volume.url} has the label {label}; see the labels it has")


def _merged(volume: Volume, index_url: StoreURL, select: Callable[[Rows], Rows]) -> LabelTable:
    check_labels(volume)
    shards = stored_shards(volume)

    def ask(cell: tuple[int, ...]) -> LabelTable | None:
        rows = trusted_rows(volume, index_url, cell, shards[cell])
        return None if rows is None else table_of_shard(select(rows))

    tables = dict(zip(shards, in_parallel(ask, shards), strict=True))
    for cell, table in tables.items():
        if table is None:
            # One at a time: a whole shard of decoded labels can take a gigabyte.
            voxels, _ = read_shard(volume, cell)
            tables[cell] = table_of_shard(select(find_rows(volume, cell, voxels)))
    return merge_tables(table for table in tables.values() if table is not None)


def _voxel(position: npt.NDArray[np.int64]) -> tuple[int, ...]:
    return tuple(int(coordinate) for coordinate in position)
