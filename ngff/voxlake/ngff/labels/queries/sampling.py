"""Sampling: which label is at each of some points."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from voxlake.ngff.grid.box import cell_box
from voxlake.ngff.labels.queries.voxels import read_tiles
from voxlake.ngff.labels.scan.rows import check_labels
from voxlake.platform.errors import InvalidInputError, OutOfBoundsError

if TYPE_CHECKING:
    import numpy.typing as npt

    from voxlake.ngff.volume import Volume

POINTS_BYTES = 64 << 20
"""Decoded voxels that are asked for at a time, or one chunk if that is larger."""


def labels_at(volume: Volume, points: npt.ArrayLike) -> npt.NDArray[np.uint64]:
    """Return the label (n,) at each of `points`; 0 where there is none.

    Each chunk that holds points is read once. Memory holds a bounded number of them.

    Parameters
    ----------
    points
        (n, 3) voxels z, y, x of level 0.

    Raises
    ------
    InvalidInputError
        If they are no integers of that shape.
    OutOfBoundsError
        If one is not inside the volume.
    """
    check_labels(volume)
    places = _checked(volume, points)
    labels = np.zeros(len(places), np.uint64)
    cells, lines = np.unique(places // np.array(volume.chunk), axis=0, return_inverse=True)
    order = np.argsort(lines, kind="stable")
    ends = np.searchsorted(lines[order], np.arange(len(cells)), "right")
    groups = np.split(order, ends[:-1]) if len(cells) else []
    boxes = [cell_box(tuple(cell), volume.chunk) & volume.box for cell in cells.tolist()]
    chunks = read_tiles(volume, boxes, POINTS_BYTES)
    for box, voxels, group in zip(boxes, chunks, groups, strict=True):
        labels[group] = voxels[tuple((places[group] - np.array(box.start)).T)]
    return labels


def _checked(volume: Volume, points: npt.ArrayLike) -> npt.NDArray[np.int64]:
    places = np.asarray(points)
    if not places.size:
        return np.empty((0, 3), np.int64)
    if places.ndim != 2 or places.shape[1] != 3 or places.dtype.kind not in "ui":
        raise InvalidInputError(
            f"points are {places.dtype} of the shape {places.shape}; give integers z, y, x of each"
        )
    outside = ((places < 0) | (places >= np.array(volume.shape))).any(axis=1)
    if outside.any():
        first = tuple(places[outside][0].tolist())
        raise OutOfBoundsError(
            f"the point {first} is not inside {volume.url}, which has {volume.shape} voxels"
        )
    return places.astype(np.int64)
