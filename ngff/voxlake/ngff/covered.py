"""The image that labels cover voxel by voxel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from voxlake.ngff.dataset import Dataset
    from voxlake.ngff.grid.axes import VoxelSize


@dataclass(frozen=True, slots=True)
class CoveredImage:
    """What labels have in common with their image."""

    shape: tuple[int, ...]
    """Voxels of level 0 along z, y and x."""
    voxel_size: VoxelSize
    translation: tuple[float, float, float]
    """Place of the first voxel: z, y, x in the unit of `voxel_size`."""
    steps: tuple[tuple[int, ...], ...]
    """Factors of z, y and x from each level to the next."""

    @property
    def levels(self) -> int:
        """Number of levels."""
        return len(self.steps) + 1


def covered_dataset(image: Dataset) -> CoveredImage:
    """Return what labels have to fit of an image that is there."""
    return CoveredImage(
        image.level(0).shape[-3:],
        image.multiscale.voxel_size,
        image.multiscale.translation,
        tuple(image.step(level)[-3:] for level in range(1, image.levels)),
    )
