"""Where a level is behind level 0, as marks say: it differs there, and nothing is damaged.

A mark may be made or taken away while voxels are compared. So what differs is looked at again,
between two listings: who writes marks before, and who makes the levels takes the mark away after.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.ngff.grid.pyramid import coarser_box
from voxlake.ngff.stale import list_marks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import numpy.typing as npt

    from voxlake.ngff.dataset import Dataset
    from voxlake.ngff.grid.box import Box
    from voxlake.platform.store import StoreURL

    type StaleBoxes = Callable[[], Iterable[Box]]
    """Returns the boxes of a level that are behind, asked after its voxels were read."""


@dataclass(frozen=True, slots=True)
class Behind:
    """Where to find out where a level is behind."""

    finest: StoreURL
    """Level 0."""
    factors: tuple[int, ...]
    """From level 0 to the level."""

    @classmethod
    def of(cls, dataset: Dataset, level: int) -> Behind:
        """Return that of a level (1 and above)."""
        return cls(dataset.level_url(0), dataset.factors(level))

    def boxes(self) -> list[Box]:
        """Return the boxes of the level that are marked by now."""
        return [coarser_box(mark.box, self.factors) for mark in list_marks(self.finest)]

    def since_now(self) -> StaleBoxes:
        """Return what gives the boxes that are marked at this moment, or when it is asked."""
        before = self.boxes()
        return lambda: [*before, *self.boxes()]


def current() -> Iterable[Box]:
    """Return none: where marks are not looked at."""
    return ()


def spared(wrong: npt.NDArray[np.bool_], box: Box, stale: StaleBoxes) -> int:
    """Clear what is `wrong` in `box` and stale; return how many voxels these are."""
    before: Any = np.count_nonzero(wrong)
    if before:
        for each in stale():
            part = each & box
            if not part.is_empty:
                wrong[part.within(box).slices] = False
    return int(before - np.count_nonzero(wrong))
