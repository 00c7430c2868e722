"""Datasets: an OME-Zarr group, opened."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.grid.reduction import Reduction, named_reduction
from voxlake.ngff.metadata.reading import read_multiscale
from voxlake.ngff.volume import CACHE_BYTES, Volume, open_volume
from voxlake.platform.errors import MetadataError, NoSuchLevelError
from voxlake.platform.parallel import in_parallel

if TYPE_CHECKING:
    from voxlake.ngff.metadata.model import Multiscale
    from voxlake.platform.store import StoreURL


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset as the store has it: what is derived from the store is kept nowhere else."""

    url: StoreURL
    """Address of the OME-Zarr group."""
    multiscale: Multiscale

    @property
    def kind(self) -> Kind:
        """Image or labels."""
        return Kind.LABELS if self.multiscale.is_labels else Kind.IMAGE

    @property
    def reduction(self) -> Reduction:
        """How levels are made of finer ones."""
        return named_reduction(self.multiscale.method, self.kind)

    @property
    def levels(self) -> int:
        """Number of levels."""
        return len(self.multiscale.levels)

    def level_url(self, number: int) -> StoreURL:
        """Return the address of a level's array; raise NoSuchLevelError if there is none."""
        if not 0 <= number < self.levels:
            raise NoSuchLevelError(
                f"level {number} of {self.url} was asked for; it has levels 0 to {self.levels - 1}"
            )
        return self.url / self.multiscale.levels[number].path

    def step(self, number: int) -> tuple[int, ...]:
        """Return the factors from the level before to level `number`; of level 0 all are 1.

        Raises
        ------
        MetadataError
            If one is no number from 1 on: a scale is less than that of the level before.
        """
        levels = self.multiscale.levels
        if number == 0:
            return (1,) * len(levels[0].scale)
        fine, coarse = levels[number - 1], levels[number]
        steps = tuple(round(b / a) for a, b in zip(fine.scale, coarse.scale, strict=True))
        if min(steps) < 1:
            raise MetadataError(
                f"levels {number - 1} and {number} of {self.url} have the scales "
                f"{list(fine.scale)} and {list(coarse.scale)}, and the second is no whole number "
                "of times the first; restore its metadata"
            )
        return steps

    def factors(self, number: int) -> tuple[int, ...]:
        """Return the factors from level 0 to level `number`; raises as `step`."""
        factors = self.step(0)
        for level in range(1, number + 1):
            factors = tuple(f * s for f, s in zip(factors, self.step(level), strict=True))
        return factors

    def level(self, number: int, cache_bytes: int = CACHE_BYTES) -> Volume:
        """Open a level; see `open_volume`.

        Raises
        ------
        MetadataError
            If its array has not the axes that the group says.
        """
        volume = open_volume(self.level_url(number), cache_bytes)
        names = self.multiscale.axis_names
        if len(volume.shape) != len(names):
            raise MetadataError(
                f"{volume.url} has {len(volume.shape)} dimensions, and its group has the axes "
                f"{', '.join(names)}; mend the metadata"
            )
        return volume

    def every_level(self, cache_bytes: int = CACHE_BYTES) -> list[Volume]:
        """Open all levels, at the same time; see `level`."""
        return list(in_parallel(partial(self.level, cache_bytes=cache_bytes), range(self.levels)))


def open_dataset(url: StoreURL) -> Dataset:
    """Open the OME-Zarr group at `url`.

    Raises
    ------
    NotFoundError, UnsupportedError, CorruptDataError
        If there is none, or voxlake cannot read it.
    """
    return Dataset(url, read_multiscale(url))
