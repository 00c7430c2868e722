"""What the rest of voxlake knows of a multiscale, whichever version of NGFF described it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxlake.ngff.grid.axes import SPATIAL, Axis, AxisType, VoxelSize
from voxlake.ngff.grid.units import converted, exact, length_unit, usual_unit
from voxlake.ngff.metadata.channels import NOTHING_SAID, Channel, Channels
from voxlake.platform.errors import InvalidInputError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterable

_FOLDER = re.compile(r"by-[0-9A-Z]{26}")

LEAST, MOST = 1e-100, 1e100
"""Between these is the size of a voxel, whatever its unit; others are no sizes."""


def folder_of_job(job: str) -> str:
    """Return the folder of a group that a job makes in it what is to replace the dataset."""
    return f"by-{job}"


def folder_of_level(path: str) -> str:
    """Return the folder that a job made a level in, given its path; empty if it is in none.

    Examples
    --------
    >>> folder_of_level("by-01JABCDEFGHJKMNPQRSTVWXYZ0/1"), folder_of_level("volumes/raw/1")
    ('by-01JABCDEFGHJKMNPQRSTVWXYZ0', '')
    """
    folder, _, level = path.partition("/")
    return folder if level and is_folder(folder) else ""


def is_folder(name: str) -> bool:
    """Return whether a name below a group is one of `folder_of_job`."""
    return _FOLDER.fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class Level:
    """One level: its array, and where its voxels lie. NGFF calls this a "dataset"."""

    path: str
    """Path of the array below the group."""
    scale: tuple[float, ...]
    """Physical size of a voxel along each axis; below 0 where places fall as it is counted up."""
    translation: tuple[float, ...]
    """Physical place of the centre of the first voxel along each axis."""


def finest_first(levels: Iterable[Level]) -> tuple[Level, ...]:
    """Return levels in the order of the size of their voxels, in which not all metadata have them.

    Examples
    --------
    >>> [level.path for level in finest_first([Level("b", (2, 2), ()), Level("a", (2, 1), ())])]
    ['a', 'b']
    """
    return tuple(sorted(levels, key=lambda level: abs(math.prod(level.scale))))


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
    system: str = ""
    """Name of the coordinate system that the levels are placed in, if it has one (NGFF 0.6)."""
    lost: tuple[str, ...] = ()
    """What would place them further and is no scale and translation, in words: a rotation."""
    channels: Channels = NOTHING_SAID
    """How its channels are called and shown."""

    def __post_init__(self) -> None:
        if not self.levels:
            raise InvalidInputError(f"multiscale {self.name!r} has no level")
        for level in self.levels:
            if not len(level.scale) == len(level.translation) == len(self.axes):
                raise InvalidInputError(
                    f"level {level.path!r} of {self.name!r} has {len(level.scale)} scales and "
                    f"{len(level.translation)} translations for {len(self.axes)} axes"
                )
            if not all(LEAST < abs(scale) < MOST for scale in level.scale):
                raise InvalidInputError(
                    f"level {level.path!r} of {self.name!r} has the scale {level.scale}; each has "
                    "to be a size that voxels can have, and not 0"
                )
        if len({level.path for level in self.levels}) < len(self.levels):
            raise InvalidInputError(f"multiscale {self.name!r} has one array for two levels")
        if len(set(self.axis_names)) < len(self.axes):
            raise InvalidInputError(f"multiscale {self.name!r} names an axis twice")

    @property
    def axis_names(self) -> tuple[str, ...]:
        """Names of the axes."""
        return tuple(axis.name for axis in self.axes)

    @property
    def folder(self) -> str:
        """Folder of the group that the levels lie in, if the dataset was written over; else empty.

        What is kept beside labels lies in a folder of the same name.
        """
        return folder_of_level(self.levels[0].path)

    @property
    def translation(self) -> tuple[float, float, float]:
        """Place of the first voxel of the finest level along z, y and x, in the unit of a voxel's.

        0 along an axis that is not there.
        """
        return self._along_space(self.levels[0].translation)

    @property
    def voxel_size(self) -> VoxelSize:
        """Size of a voxel of the finest level, in the finest unit of its axes.

        Raises
        ------
        UnsupportedError
            If there are not z, y and x, or they have a unit that voxlake does not know.
        """
        if not set(SPATIAL) <= set(self.axis_names):
            raise UnsupportedError(
                f"multiscale {self.name!r} has the axes {', '.join(self.axis_names)}; voxlake needs"
                " z, y and x"
            )
        z, y, x = self._along_space(self.levels[0].scale)
        return VoxelSize(z, y, x, self.unit)

    @property
    def unit(self) -> str | None:
        """The finest unit of z, y and x; None if the document does not say that of all three.

        Raises
        ------
        UnsupportedError
            If voxlake does not know one of them.
        """
        said = [axis.unit for axis in self.axes if axis.name in SPATIAL]
        try:
            units = tuple(length_unit(unit) for unit in said if unit)
        except InvalidInputError as error:
            raise UnsupportedError(f"multiscale {self.name!r}: {error}") from error
        if not units or len(units) < len(said):
            return None
        return units[0] if len(set(units)) == 1 else usual_unit(units)

    def channels_in(self, shape: tuple[int, ...]) -> tuple[Channel, ...]:
        """Return the channels that are described of an array of that `shape`; none if others are.

        An array without an axis of channels has one.
        """
        return self.channels.fitting(self.count_channels(shape)).described

    def count_channels(self, shape: tuple[int, ...]) -> int:
        """Return how many channels an array of that `shape` has."""
        pairs = zip(self.axes, shape, strict=True)
        return next((n for axis, n in pairs if axis.type is AxisType.CHANNEL), 1)

    def _along_space(self, numbers: tuple[float, ...]) -> tuple[float, float, float]:
        """Return the numbers of z, y and x, in one unit if all three have one."""
        unit = self.unit
        found = {
            axis.name: float(converted(exact(n), length_unit(axis.unit), unit))
            if unit and axis.unit and axis.name in SPATIAL
            else n
            for axis, n in zip(self.axes, numbers, strict=True)
        }
        return (found.get("z", 0.0), found.get("y", 0.0), found.get("x", 0.0))
