"""Counts: which labels there are among some voxels, and how many voxels each has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.ngff.memory.columns import LabelColumns, merged, merged_all, no_lines

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt


@dataclass(frozen=True, slots=True, eq=False)
class Counts(LabelColumns):
    """Labels, each once and ascending, without the background 0, and their voxels."""

    voxels: npt.NDArray[np.uint64]
    """(n,) how many voxels have the label."""


NOTHING = no_lines(Counts, "u8", "u8")


def count_labels(voxels: npt.NDArray[Any]) -> Counts:
    """Return the labels among `voxels`, unsigned integers of any shape.

    Sorts runs of equal voxels rather than voxels: ten times as fast as `numpy.unique` on labels.

    Examples
    --------
    >>> count_labels(np.array([0, 7, 7, 5, 0, 7], np.uint8))
    Counts(labels=array([5, 7], dtype=uint64), voxels=array([1, 3], dtype=uint64))
    """
    flat = voxels.reshape(-1)
    if not flat.size:
        return NOTHING
    starts = np.concatenate(([0], np.flatnonzero(flat[1:] != flat[:-1]) + 1))
    lengths = np.diff(starts, append=flat.size).astype(np.uint64)
    labels = flat[starts].astype(np.uint64)
    kept = labels != 0
    return merged(Counts(labels[kept], lengths[kept]))


def add_counts(parts: Iterable[Counts]) -> Counts:
    """Return the sum of counts over disjoint voxels."""
    return merged_all(parts, NOTHING)
