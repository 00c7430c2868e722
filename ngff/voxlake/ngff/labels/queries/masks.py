"""Masks: a box of voxels that says where labels are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from voxlake.ngff.labels.queries.voxels import ask_shards, question_of
from voxlake.platform.errors import LimitExceededError

if TYPE_CHECKING:
    import numpy.typing as npt

    from voxlake.ngff.grid.box import Box
    from voxlake.ngff.labels.queries.voxels import Part
    from voxlake.ngff.labels.queries.where import Labels
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL

MAX_VOXELS = 1 << 30
"""Voxels of a mask, a byte each, unless the caller says else."""


def mask_of(
    volume: Volume,
    index_url: StoreURL,
    labels: Labels,
    box: Box,
    *,
    max_voxels: int = MAX_VOXELS,
) -> npt.NDArray[np.bool_]:
    """Return which voxels of `box` have one of `labels`: (z, y, x), a byte each.

    Reads only chunks that hold one of them. What is said of each shard is true of one state that
    it had during the call. ``.view(numpy.uint8)`` makes it 0 and 1 without a copy.

    Raises
    ------
    InvalidInputError, OutOfBoundsError, UnsupportedError
        See `question_of`.
    LimitExceededError
        If the box has more than `max_voxels`; before anything is read.
    CorruptDataError, StoreError
        If voxels that are needed do not decode, or the store fails.
    """
    asked = question_of(volume, index_url, labels, box)
    if box.size > max_voxels:
        raise LimitExceededError(
            f"a mask of {box.size} voxels was asked of {volume.url} and {max_voxels} are allowed; "
            "ask for smaller boxes, or for the sparse volume"
        )
    found = np.zeros(box.shape, np.bool_)
    for _, parts in ask_shards(asked, _itself):
        for part in parts:
            found[part.box.within(box).slices] = part.mask
    return found


def _itself(part: Part) -> Part:
    return part
