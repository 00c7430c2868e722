"""Ids of labels: what voxels can have."""

from __future__ import annotations

from voxlake.platform.errors import InvalidInputError

MAX_LABEL = (1 << 64) - 1
"""The largest label."""


def check_label(label: int) -> None:
    """Refuse what no voxel can have as a label: 0 is the background, and ids end at 2^64 - 1.

    Raises
    ------
    InvalidInputError
        If it is not from 1 to `MAX_LABEL`.
    """
    if not 0 < label <= MAX_LABEL:
        raise InvalidInputError(f"{label} is no label; ask for one from 1 to {MAX_LABEL}")
