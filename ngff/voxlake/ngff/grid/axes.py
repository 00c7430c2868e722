"""Axes, and the physical size of a voxel with its unit."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from voxlake.ngff.grid.units import METRES, SECONDS, converted, exact, length_unit, symbol_of
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

CLOSE = 1e-5
"""How far, in relation, equal voxel sizes may differ: some formats keep 32 bits or 6 digits."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of an array."""

    name: str
    """``t``, ``c``, ``z``, ``y`` or ``x`` in what voxlake writes; any name in what it reads."""
    type: AxisType | None
    """None where foreign metadata does not say."""
    unit: str | None = None
    """NGFF unit name, such as ``nanometer``; None for channels."""


@dataclass(frozen=True, slots=True)
class VoxelSize:
    """Physical size of a voxel along z, y and x."""

    z: float
    y: float
    x: float
    unit: str | None = "nanometer"
    """NGFF name of the unit of all three; None if none is known."""

    def __post_init__(self) -> None:
        if not all(math.isfinite(size) and size > 0 for size in self.zyx):
            raise InvalidInputError(
                f"voxel size {self.zyx} is not three positive numbers; give z,y,x such as 40,4,4nm"
            )
        if self.unit is not None and self.unit not in METRES:
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
        return cls(sizes[0], sizes[1], sizes[2], length_unit(found[2]))

    @property
    def zyx(self) -> tuple[float, float, float]:
        """The three sizes."""
        return (self.z, self.y, self.x)

    def along(self, axes: tuple[str, ...]) -> tuple[float, ...]:
        """Return the size along each of `axes`; 1 along time and channels."""
        sizes = dict(zip(SPATIAL, self.zyx, strict=True))
        return tuple(sizes.get(name, 1.0) for name in axes)

    def to(self, unit: str) -> VoxelSize:
        """Return the size in a unit of that NGFF name.

        Raises
        ------
        InvalidInputError
            If the unit of this is not known.

        Examples
        --------
        >>> VoxelSize(0.04, 0.008, 0.008, "micrometer").to("nanometer")
        VoxelSize(z=40.0, y=8.0, x=8.0, unit='nanometer')
        """
        own = self.unit
        if own is None:
            raise InvalidInputError(f"voxel size {self} has no unit; give one, such as 40,4,4nm")
        z, y, x = (float(converted(exact(size), own, unit)) for size in self.zyx)
        return VoxelSize(z, y, x, unit)

    def matches(self, other: VoxelSize) -> bool:
        """Return whether both are the same size, in whatever units, as far as files keep digits.

        If one has no unit, it is taken to be in that of the other.

        Examples
        --------
        >>> VoxelSize(0.04, 0.00800000038, 0.008, "micrometer").matches(VoxelSize(40, 8, 8))
        True
        """
        here = self.to(other.unit) if self.unit and other.unit else self
        pairs = zip(here.zyx, other.zyx, strict=True)
        return all(math.isclose(a, b, rel_tol=CLOSE) for a, b in pairs)

    @property
    def text(self) -> str:
        """In few characters, for people.

        Examples
        --------
        >>> VoxelSize(40, 8, 8).text
        '40 x 8 x 8 nm'
        """
        unit = symbol_of(self.unit) if self.unit else "(no unit)"
        return " x ".join(f"{size:g}" for size in self.zyx) + f" {unit}"

    def __str__(self) -> str:
        return ",".join(f"{size:g}" for size in self.zyx) + f" {self.unit or '(no unit)'}"


@dataclass(frozen=True, slots=True)
class TimeStep:
    """Time from one time point to the next."""

    step: float
    unit: str | None = None
    """NGFF name of the unit; None if none is known."""
    start: float = 0.0
    """Of the first time point."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.step) and self.step > 0 and math.isfinite(self.start)):
            raise InvalidInputError(f"time step {self.step} is not a positive number")
        if self.unit is not None and self.unit not in SECONDS:
            raise InvalidInputError(f"time step has the unknown unit {self.unit!r}")


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
