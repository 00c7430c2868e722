"""Labels as they are asked for, and what voxels can have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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


def flat_labels(voxels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return labels (n,) as compiled passes take them: in C order, of native bytes, read-only.

    One memory layout, so that numba compiles one variant per width. Copied only if need be.

    Raises
    ------
    InvalidInputError
        If they are not unsigned integers.
    """
    if voxels.dtype.kind != "u":
        raise InvalidInputError(f"{voxels.dtype} voxels are no labels; give unsigned integers")
    flat = np.require(voxels, voxels.dtype.newbyteorder("="), ["C", "A"]).reshape(-1).view()
    flat.flags.writeable = False
    return flat


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
