"""Where labels are, several taken as one: the supervoxels of a body, say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from voxlake.ngff.grid.box import Box
from voxlake.ngff.labels.queries.extent import LabelExtent, check_label, chunk_cells
from voxlake.ngff.labels.view import ask_in_force, find_rows_in_force
from voxlake.platform.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from voxlake.ngff.labels.view import View
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL

type Labels = int | Sequence[int]
"""One label, or several that are taken as one."""


def label_list(labels: Labels) -> tuple[int, ...]:
    """Return labels ascending, each once.

    Raises
    ------
    InvalidInputError
        If one is none: 0 is the background, and ids end at 2^64 - 1.

    Examples
    --------
    >>> label_list(7), label_list([9, 8, 9])
    ((7,), (8, 9))
    """
    given = (labels,) if isinstance(labels, int) else labels
    found = tuple(sorted({int(label) for label in given}))
    for label in (*found[:1], *found[-1:]):
        check_label(label)
    return found


def chunks_of(
    volume: Volume, index_url: StoreURL, labels: Labels, *, view: View | None = None
) -> npt.NDArray[np.int64]:
    """Return the cells (n, 3) of the chunk grid that hold some of `labels`, each once, in C order.

    As exact as `label_extent`, which says what a `view` is for. Labels that no voxel has are in no
    chunk.

    Raises
    ------
    InvalidInputError, ConflictError, UnsupportedError, CorruptDataError, StoreError
        As `label_extent`.
    """
    wanted = np.array(label_list(labels), np.uint64)
    rows = ask_in_force(volume, index_url, lambda now: find_rows_in_force(now, wanted), view)
    return np.unique(chunk_cells(volume, rows), axis=0)


def extent_of(view: View, labels: Labels, name: int) -> LabelExtent:
    """Return count, tight box, chunks and shards of several labels as if they were one.

    Parameters
    ----------
    view
        What `in_force` returned.
    name
        What the answer calls them: the number of a body.

    Raises
    ------
    NotFoundError
        If no voxel has any of them.
    InvalidInputError, ConflictError, UnsupportedError, CorruptDataError, StoreError
        As `label_extent`.
    """
    volume, wanted = view.volume, np.array(label_list(labels), np.uint64)
    rows = ask_in_force(volume, view.index_url, lambda now: find_rows_in_force(now, wanted), view)
    if not len(rows):
        raise absent(volume, name)
    start, stop = rows.start.min(axis=0).tolist(), rows.stop.max(axis=0).tolist()
    return LabelExtent(
        label=name,
        voxels=int(rows.voxels.sum()),
        box=Box(tuple(start), tuple(stop)),
        chunks=len(np.unique(chunk_cells(volume, rows), axis=0)),
        shards=len(np.unique(rows.shards)),
    )


def absent(volume: Volume, labels: Labels) -> NotFoundError:
    """Return the error that no voxel has any of `labels`."""
    return NotFoundError(
        f"no voxel of {volume.url} has the label {named(labels)}; see the labels it has"
    )


def named(labels: Labels) -> str:
    """Return labels as messages name them.

    Examples
    --------
    >>> named(7), named([9, 8, 9])
    ('7', '8 and 1 more')
    """
    found = label_list(labels)
    if not found:
        return "of none"
    return str(found[0]) if len(found) == 1 else f"{found[0]} and {len(found) - 1} more"
