"""One label, several, or all of them: voxel counts, tight boxes and chunks, by what is in force."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from voxlake.ngff.box import Box
from voxlake.ngff.label_index.rows import chunk_grid
from voxlake.ngff.label_index.run_rows import RunRows, shard_grid, table_of_rows
from voxlake.ngff.label_index.table import LabelTable, merge_tables
from voxlake.ngff.label_index.view import (
    View,
    all_rows_in_force,
    ask_in_force,
    find_rows_in_force,
)
from voxlake.platform.errors import InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy.typing as npt

    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL

MAX_LABEL = (1 << 64) - 1

MERGED_PARTS = 16
"""Tables that wait to be merged into one when all labels are asked for."""


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

    Reads the runs in force, and of shards that were written since the sidecars, or the voxels
    where no sidecar can be trusted. Without runs every shard is asked so. While a bulk job runs
    the answer is that of the newest manifest: `in_force` says so.

    Raises
    ------
    InvalidInputError
        If no voxel can have the label: 0 is the background, and ids end at 2^64 - 1.
    NotFoundError
        If no voxel has it.
    UnsupportedError
        If the volume is none that can be indexed (see `check_labels`).
    CorruptDataError, StoreError
        If voxels or runs that are needed do not decode, or the store fails.
    """
    found = table_of_rows(_rows_of(volume, index_url, label))
    return LabelExtent(
        label=label,
        voxels=int(found.voxels[0]),
        box=Box(_voxel(found.start[0]), _voxel(found.stop[0])),
        chunks=int(found.chunks[0]),
        shards=int(found.shards[0]),
    )


def label_chunks(volume: Volume, index_url: StoreURL, label: int) -> npt.NDArray[np.int64]:
    """Return the cells (n, 3) of the chunk grid that hold voxels of `label`, in C order.

    Cell (k, j, i) is the chunk that begins at voxel (k, j, i) times `Volume.chunk`. As exact as
    `label_extent`, and raises what that raises.
    """
    cells = chunk_cells(volume, _rows_of(volume, index_url, label))
    return cells[np.lexsort(cells.T[::-1])]


def find_labels(
    volume: Volume, index_url: StoreURL, labels: Iterable[int] | npt.NDArray[np.uint64]
) -> LabelTable:
    """Return those of `labels` that some voxel has, ascending, in one pass over the index.

    Raises what `label_extent` raises, but nothing of a label that no voxel has.
    """
    wanted = sorted({int(label) for label in labels})
    for label in (*wanted[:1], *wanted[-1:]):
        check_label(label)
    asked = np.array(wanted, np.uint64)
    rows = ask_in_force(volume, index_url, lambda view: find_rows_in_force(view, asked))
    return table_of_rows(rows)


def list_labels(volume: Volume, index_url: StoreURL) -> LabelTable:
    """Return every label with its voxel count and tight box, ascending by label.

    As exact as `label_extent`, and raises what that raises of the volume and the store.
    """
    return ask_in_force(volume, index_url, lambda view: merge_tables(_merged(view)))


def chunk_cells(volume: Volume, rows: RunRows) -> npt.NDArray[np.int64]:
    """Return the cell (m, 3) in the chunk grid of each chunk of each row, row after row."""
    shards = np.repeat(rows.shards, rows.chunk_counts).astype(np.intp)
    shard = np.stack(np.unravel_index(shards, shard_grid(volume)), axis=-1)
    chunk = np.stack(np.unravel_index(rows.chunks.astype(np.intp), chunk_grid(volume)), axis=-1)
    return np.asarray(shard * np.array(chunk_grid(volume)) + chunk, np.int64)


def check_label(label: int) -> None:
    """Refuse what no voxel can have: 0 is the background, and ids end at 2^64 - 1."""
    if not 0 < label <= MAX_LABEL:
        raise InvalidInputError(f"{label} is no label; ask for one from 1 to {MAX_LABEL}")


def _rows_of(volume: Volume, index_url: StoreURL, label: int) -> RunRows:
    check_label(label)
    wanted = np.array([label], np.uint64)
    rows = ask_in_force(volume, index_url, lambda view: find_rows_in_force(view, wanted))
    if not len(rows):
        raise NotFoundError(
            f"no voxel of {volume.url} has the label {label}; see the labels it has"
        )
    return rows


def _merged(view: View) -> Iterator[LabelTable]:
    """Yield tables of all labels, merged now and then so that few wait."""
    waiting: list[LabelTable] = []
    for rows in all_rows_in_force(view):
        waiting.append(table_of_rows(rows))
        if len(waiting) == MERGED_PARTS:
            waiting = [merge_tables(waiting)]
    yield from waiting


def _voxel(position: npt.NDArray[np.int64]) -> tuple[int, ...]:
    return tuple(int(coordinate) for coordinate in position)
