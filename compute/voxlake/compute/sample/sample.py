"""What a sample is: an image, its labels, and whom to thank."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from voxlake.ngff.grid.axes import VoxelSize


@dataclass(frozen=True, slots=True)
class Sample:
    """An image and its labels, in register, as locations of sources."""

    name: str
    image: str
    """Location of the image, for `open_source`."""
    labels: str
    """Location of the labels, uint64, of the same shape."""
    voxel_size: VoxelSize
    credit: str
    """Whom to name when the data are shown."""
    licence: str
    """Under which terms they may be used."""
