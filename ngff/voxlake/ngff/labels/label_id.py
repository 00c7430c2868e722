"""Labels as they are asked for, and what voxels can have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from voxlake.platform.errors import InvalidInputError

if TYPE_CHECKING:
    import numpy.typing as npt

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
