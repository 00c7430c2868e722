"""How many labels are of which size: a histogram whose bins double."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

_STARTS = np.uint64(1) << np.arange(64, dtype=np.uint64)


@dataclass(frozen=True, slots=True)
class SizeBin:
    """Labels of about one size."""

    first: int
    """The fewest voxels that one of them may have: a power of two."""
    labels: int
    """How many there are."""

    @property
    def last(self) -> int:
        """The most voxels that one of them may have."""
        return 2 * self.first - 1


def size_bins(voxels: npt.NDArray[np.uint64]) -> tuple[SizeBin, ...]:
    """Return how many labels have 1, 2 to 3, 4 to 7, ... voxels.

    From the bin of the smallest to that of the largest; those between may be empty.

    Parameters
    ----------
    voxels
        (n,) how many voxels each label has, at least 1.

    Examples
    --------
    >>> [(each.first, each.last, each.labels) for each in size_bins(np.array([2, 3, 9], np.uint64))]
    [(2, 3, 2), (4, 7, 0), (8, 15, 1)]
    """
    if not len(voxels):
        return ()
    bins = np.searchsorted(_STARTS, voxels, side="right") - 1
    counts = np.bincount(bins)
    lowest = int(bins.min())
    return tuple(SizeBin(1 << k, int(counts[k])) for k in range(lowest, len(counts)))
