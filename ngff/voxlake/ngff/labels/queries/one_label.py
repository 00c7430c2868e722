"""One label as it is asked for, and what voxels have of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class OneLabel:
    """A label, or a body with its supervoxels, which are taken as one."""

    label: int
    """As it is asked for."""
    members: tuple[int, ...]
    """What voxels have of it, ascending, each once: itself, or the supervoxels of the body."""

    @property
    def wanted(self) -> npt.NDArray[np.uint64]:
        """The members as an array (n,)."""
        return np.array(self.members, np.uint64)
