"""What the rest of voxlake knows of a multiscale, whichever version of NGFF described it."""

from __future__ import annotations

from dataclasses import dataclass

from voxlake.ngff.grid.axes import SPATIAL, Axis, AxisType, VoxelSize
from voxlake.ngff.grid.units import length_unit
from voxlake.platform.errors import InvalidInputError, UnsupportedError


@dataclass(frozen=True, slots=True)
class Level:
    """One level: its array, and where its voxels lie. NGFF calls this a "dataset"."""

    path: str
    """Path of the array below the group."""
    scale: tuple[float, ...]
    """Physical size of a voxel along each axis."""
    translation: tuple[float, ...]
    """Physical place of the centre of the first voxel along each axis."""


@dataclass(frozen=True, slots=True)
class Multiscale:
    """An image or labels as their metadata describe them."""

    name: str
    axes: tuple[Axis, ...]
    """In the order of the arrays' dimensions."""
    levels: tuple[Level, ...]
    """The finest first."""
    version: str
    """NGFF version of the document."""
    is_labels: bool = False
    """Whether the document says ``image-label``."""
    method: str = ""
    """How levels are made of finer ones, if the document says (NGFF: ``type``)."""

    def __post_init__(self) -> None:
        if not self.levels:
            raise InvalidInputError(f"multiscale {self.name!r} has no level")
        for level in self.levels:
            if not len(level.scale) == len(level.translation) == len(self.axes):
                raise InvalidInputError(
                    f"level {level.path!r} of {self.name!r} has {len(level.scale)} scales and "
                    f"{len(level.translation)} translations for {len(self.axes)} axes"
                )

    @property
    def axis_names(self) -> tuple[str, ...]:
        """Names of the axes."""
        return tuple(axis.name for axis in self.axes)

    @property
    def translation(self) -> tuple[float, float, float]:
        """Place of the first voxel of the finest level along z, y and x; 0 where there is none."""
        places = dict(zip(self.axis_names, self.levels[0].translation, strict=True))
        return (places.get("z", 0.0), places.get("y", 0.0), places.get("x", 0.0))

    @property
    def voxel_size(self) -> VoxelSize:
        """Size of a voxel of the finest level.

        Raises
        ------
        UnsupportedError
            If the spatial axes are not z, y, x, differ in their unit, or have a unit or a size
            that voxlake does not know what to do with.
        """
        space = {
            axis.name: (scale, axis.unit or "nanometer")
            for axis, scale in zip(self.axes, self.levels[0].scale, strict=True)
            if axis.type in {AxisType.SPACE, None}
        }
        try:
            units = {length_unit(unit) for _, unit in space.values()}
            if set(SPATIAL) <= space.keys() and len(units) == 1:
                z, y, x = (space[name][0] for name in SPATIAL)
                return VoxelSize(z, y, x, units.pop())
        except InvalidInputError as error:
            raise UnsupportedError(f"multiscale {self.name!r}: {error}") from error
        raise UnsupportedError(
            f"multiscale {self.name!r} has the spatial axes {list(space)} in {sorted(units)}; "
            "voxlake needs z, y and x in one unit"
        )
