"""Axes, and the physical size of a voxel with its unit."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from voxlake.platform.errors import InvalidInputError


class AxisType(StrEnum):
    """The types of axes that NGFF 0.4 and 0.5 name."""

    TIME = "time"
    CHANNEL = "channel"
    SPACE = "space"


AXIS_TYPES = {
    "t": AxisType.TIME,
    "c": AxisType.CHANNEL,
    "z": AxisType.SPACE,
    "y": AxisType.SPACE,
    "x": AxisType.SPACE,
}
"""The axes an array may carry, in the order it carries them."""

SPATIAL = ("z", "y", "x")

METRES = {
    "angstrom": 1e-10,
    "nanometer": 1e-9,
    "micrometer": 1e-6,
    "millimeter": 1e-3,
    "centimeter": 1e-2,
    "meter": 1.0,
}
"""Units of length by their NGFF names, in metres."""

_ABBREVIATIONS = {
    "å": "angstrom",
    "nm": "nanometer",
    "um": "micrometer",
    "µm": "micrometer",
    "μm": "micrometer",
    "micron": "micrometer",
    "microns": "micrometer",
    "mm": "millimeter",
    "cm": "centimeter",
    "m": "meter",
}


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of an array."""

    name: str
    """``t``, ``c``, ``z``, ``y`` or ``x`` in what voxlake writes; any name in what it reads."""
    type: AxisType | None
    """None where foreign metadata does not say."""
    unit: str | None = None
    """NGFF unit name, such as ``nanometer``; None for channels."""


def parse_unit(text: str) -> str:
    """Return the NGFF name of a unit of length given by name or abbreviation.

    Raises
    ------
    InvalidInputError
        If the unit is not known.

    Examples
    --------
    >>> parse_unit("nm"), parse_unit("micrometers")
    ('nanometer', 'micrometer')
    """
    word = text.strip().lower().replace("metre", "meter")
    name = _ABBREVIATIONS.get(word, word.removesuffix("s"))
    if name not in METRES:
        known = ", ".join([*METRES, "nm", "um", "mm"])
        raise InvalidInputError(f"unit {text!r} is not a known unit of length; use one of {known}")
    return name


@dataclass(frozen=True, slots=True)
class VoxelSize:
    """Physical size of a voxel along z, y and x."""

    z: float
    y: float
    x: float
    unit: str = "nanometer"
    """NGFF name of the unit of all three."""

    def __post_init__(self) -> None:
        if not all(math.isfinite(size) and size > 0 for size in self.zyx):
            raise InvalidInputError(
                f"voxel size {self.zyx} is not three positive numbers; give z,y,x such as 40,4,4nm"
            )
        if self.unit not in METRES:
            raise InvalidInputError(f"voxel size has the unknown unit {self.unit!r}")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse ``Z,Y,X`` followed by a unit; one number stands for all three.

        Raises
        ------
        InvalidInputError
            If there are not one or three positive numbers and a known unit of length.

        Examples
        --------
        >>> VoxelSize.parse("40,4,4nm")
        VoxelSize(z=40.0, y=4.0, x=4.0, unit='nanometer')
        """
        found = re.fullmatch(r"\s*([-+0-9.,eE\s]*[0-9.])\s*([^\d\s,.]+)\s*", text)
        if not found:
            raise InvalidInputError(
                f"voxel size {text!r} is not Z,Y,X and a unit; write it like 40,4,4nm"
            )
        try:
            sizes = [float(part) for part in found[1].split(",")]
        except ValueError as error:
            raise InvalidInputError(f"voxel size {text!r} has a part that is no number") from error
        if len(sizes) == 1:
            sizes *= 3
        if len(sizes) != 3:
            raise InvalidInputError(f"voxel size {text!r} has {len(sizes)} numbers; give z,y,x")
        return cls(sizes[0], sizes[1], sizes[2], parse_unit(found[2]))

    @property
    def zyx(self) -> tuple[float, float, float]:
        """The three sizes."""
        return (self.z, self.y, self.x)

    def along(self, axes: tuple[str, ...]) -> tuple[float, ...]:
        """Return the size along each of `axes`; 1 along time and channels."""
        sizes = dict(zip(SPATIAL, self.zyx, strict=True))
        return tuple(sizes.get(name, 1.0) for name in axes)

    def __str__(self) -> str:
        return ",".join(f"{size:g}" for size in self.zyx) + f" {self.unit}"


def check_axes(names: tuple[str, ...]) -> tuple[Axis, ...]:
    """Return the axes of those names, without units.

    Raises
    ------
    InvalidInputError
        If they are not z, y, x with an optional t and c before them, in that order.

    Examples
    --------
    >>> [axis.type.value for axis in check_axes(("c", "z", "y", "x"))]
    ['channel', 'space', 'space', 'space']
    """
    expected = tuple(name for name in AXIS_TYPES if name in names)
    if names != expected or names[-3:] != SPATIAL:
        raise InvalidInputError(
            f"axes {names} are not z, y, x with t and c before them in that order; reorder them"
        )
    return tuple(Axis(name, AXIS_TYPES[name]) for name in names)
