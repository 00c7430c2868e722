"""The image that labels cover voxel by voxel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxlake.ngff.grid.axes import TimeStep
from voxlake.ngff.grid.units import SECONDS

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
    times: int | None = None
    """How many time points it has; None if time is no axis of it."""
    time: TimeStep | None = None
    """From one to the next; None if time is no axis, or runs backwards."""

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
        *_times_of(image),
    )


def _times_of(image: Dataset) -> tuple[int | None, TimeStep | None]:
    """Return how many time points an image has, and the step between them."""
    names = image.multiscale.axis_names
    if "t" not in names:
        return None, None
    place, finest = names.index("t"), image.multiscale.levels[0]
    unit, step = image.multiscale.axes[place].unit, finest.scale[place]
    known = unit if unit in SECONDS else None
    time = TimeStep(step, known, finest.translation[place]) if step > 0 else None
    return image.level(0).shape[place], time
