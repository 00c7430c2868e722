"""Masks: a box of voxels that says where a label is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from voxlake.ngff.labels.queries.voxels import ask_shards, question_of
from voxlake.platform.errors import LimitExceededError

if TYPE_CHECKING:
    import numpy.typing as npt

    from voxlake.ngff.grid.box import Box
    from voxlake.ngff.labels.queries.one_label import OneLabel
    from voxlake.ngff.labels.state import IndexState

MAX_VOXELS = 1 << 30
"""Voxels of a mask, a byte each, unless the caller says else."""


def mask_of(
    state: IndexState, one: OneLabel, box: Box, max_voxels: int = MAX_VOXELS
) -> npt.NDArray[np.bool_]:
    """Return which voxels of `box` have a label: (z, y, x), a byte each.

    Raises
    ------
    OutOfBoundsError
        If the box is not inside the volume.
    LimitExceededError
        If the box has more than `max_voxels`; before anything is read.
    CorruptDataError, StoreError
        If voxels that are needed do not decode, or the store fails.
    """
    if box.size > max_voxels:
        raise LimitExceededError(
            f"a mask of {box.size} voxels was asked of {state.volume.url} and {max_voxels} are "
            "allowed; ask for smaller boxes, or for the sparse volume"
        )
    found = np.zeros(box.shape, np.bool_)
    for _, chunks in ask_shards(question_of(state, one, box), lambda chunk: chunk):
        for chunk in chunks:
            found[chunk.box.within(box).slices] = chunk.mask
    return found
