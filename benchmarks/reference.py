"""What the output must be, by plain NumPy, and how far a candidate is from it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from benchmarks.case import Case
    from benchmarks.written import Level

SLAB = 128
"""Slices that are compared at a time."""


def block_mean(voxels: npt.NDArray[np.uint8], factors: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    """Return the mean of each block, halves rounded to even; factors are 1 or 2.

    A block that the far face cuts is filled up with its own voxels, which leaves its mean alone.
    """
    pad = [(0, n % f) for n, f in zip(voxels.shape, factors, strict=True)]
    even = np.pad(voxels, pad, mode="edge") if np.any(pad) else voxels
    total = np.zeros([n // f for n, f in zip(even.shape, factors, strict=True)], np.uint16)
    for offset in itertools.product(*(range(f) for f in factors)):
        total += even[tuple(slice(o, None, f) for o, f in zip(offset, factors, strict=True))]
    return np.rint(total / np.float32(np.prod(factors))).astype(np.uint8)


def largest_difference(case: Case, number: int, level: Level) -> int:
    """Return by how much a stored level differs from what it must be, at most.

    Compared where both have voxels: ngff-zarr drops the last voxel of an odd extent.
    """
    expected, worst = case.expected(number), 0
    shape = tuple(min(a, b) for a, b in zip(expected.shape, level.shape, strict=True))
    for z in range(0, shape[0], SLAB):
        box = (slice(z, min(z + SLAB, shape[0])), slice(0, shape[1]), slice(0, shape[2]))
        difference = level.read(box).astype(np.int16) - expected[box]
        worst = max(worst, int(np.abs(difference).max(initial=0)))
    return worst
