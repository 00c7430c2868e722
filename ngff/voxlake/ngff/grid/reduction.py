"""Reductions: how a voxel of a coarser level is made of a block of finer ones."""

from __future__ import annotations

import math
from enum import StrEnum

from voxlake.ngff.grid.layout import Kind
from voxlake.platform.errors import InvalidInputError

MOST_VOXELS = 4096
"""Most voxels that one block may have."""


class Reduction(StrEnum):
    """How one voxel is made of a block."""

    MEAN = "mean"
    MODE = "mode"
    MIN = "min"
    MAX = "max"
    STRIDE = "stride"


DESCRIPTIONS = {
    Reduction.MEAN: "mean of each block, halves rounded to the even integer",
    Reduction.MODE: "most frequent label of each block, the first in C order of equals, "
    "background only where there is nothing else",
    Reduction.MIN: "lowest voxel of each block",
    Reduction.MAX: "highest voxel of each block",
    Reduction.STRIDE: "first voxel of each block",
}
"""The rules, in words that the metadata of a dataset carry."""


def default_reduction(kind: Kind) -> Reduction:
    """Return the reduction of datasets of a kind for which none was chosen."""
    return Reduction.MODE if kind is Kind.LABELS else Reduction.MEAN


def check_reduction(reduction: Reduction, kind: Kind) -> Reduction:
    """Return `reduction` if it can make datasets of a kind.

    Raises
    ------
    InvalidInputError
        If it would make ids that no voxel has.
    """
    if kind is Kind.LABELS and reduction is Reduction.MEAN:
        raise InvalidInputError("the mean of labels is no label; use mode, min, max or stride")
    return reduction


def check_factors(factors: tuple[int, ...]) -> None:
    """Raise InvalidInputError unless blocks of `factors` voxels, z, y, x last, can be reduced."""
    unusable = any(factor != 1 for factor in factors[:-3]) or min(factors) < 1
    if unusable or math.prod(factors) > MOST_VOXELS:
        raise InvalidInputError(
            f"factors {factors} cannot be used; only z, y, x are reduced, by blocks of 1 to "
            f"{MOST_VOXELS} voxels"
        )


def named_reduction(name: object, kind: Kind) -> Reduction:
    """Return the reduction that a dataset's metadata name; of foreign names that of its kind."""
    try:
        return Reduction(str(name))
    except ValueError:
        return default_reduction(kind)
