"""A cutout: the voxels of a box, as formats are told of them before any is read."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from voxlake.ngff.grid.axes import SPATIAL, Axis
from voxlake.ngff.grid.box import Box
from voxlake.ngff.grid.units import METRES, converted, exact

USUAL_AXES = ("t", "c", *SPATIAL)
"""In their order; those of space are always there."""


@dataclass(frozen=True, slots=True)
class Cutout:
    """The voxels of a box of one level of a dataset, C order."""

    dataset: str
    """Its name."""
    level: int
    box: Box
    dtype: np.dtype[Any]
    axes: tuple[Axis, ...]
    scale: tuple[float, ...]
    """Physical size of a voxel of the level along each axis; below 0 of a flipped one."""
    translation: tuple[float, ...]
    """Physical place of the centre of the first voxel of the box along each axis."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along each axis."""
        return self.box.shape

    @property
    def nbytes(self) -> int:
        """Bytes of the voxels."""
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the axes."""
        return tuple(axis.name for axis in self.axes)

    @property
    def is_usual(self) -> bool:
        """Whether the axes are z, y, x with t and c, or one of them, before."""
        return self.names in {
            names for n in range(3) for names in (USUAL_AXES[n:], ("t", *SPATIAL))
        }

    def along[T](self, name: str, of: tuple[T, ...], default: T) -> T:
        """Return what a tuple with an entry an axis has for the axis of a name, or the default.

        Examples
        --------
        >>> axes = tuple(Axis(name, None) for name in "zyx")
        >>> cutout = Cutout("em", 0, Box((0, 0, 0), (2, 3, 4)), np.dtype("u1"), axes, (1,) * 3,
        ...     (0,) * 3)
        >>> cutout.along("y", cutout.shape, 1), cutout.along("c", cutout.shape, 1)
        (3, 1)
        """
        return of[self.names.index(name)] if name in self.names else default

    @property
    def sizes(self) -> tuple[int, int, int, int, int]:
        """Voxels along t, c, z, y and x; 1 along those that are not there."""
        t, c, z, y, x = (self.along(name, self.shape, 1) for name in USUAL_AXES)
        return t, c, z, y, x

    def size_in(self, unit: str) -> tuple[float, float, float] | None:
        """Return the size of a voxel along z, y and x in a unit of that NGFF name.

        None if the metadata do not say that of all three.
        """
        return self._in(unit, tuple(map(abs, self.scale)))

    def place_in(self, unit: str) -> tuple[float, float, float] | None:
        """Return the place of the first voxel along z, y and x; as `size_in`."""
        return self._in(unit, self.translation)

    def _in(self, unit: str, numbers: tuple[float, ...]) -> tuple[float, float, float] | None:
        own = [self.unit(name) for name in SPATIAL]
        if not set(SPATIAL) <= set(self.names) or not all(each in METRES for each in own):
            return None
        z, y, x = (
            float(converted(exact(self.along(name, numbers, 0.0)), str(each), unit))
            for name, each in zip(SPATIAL, own, strict=True)
        )
        return z, y, x

    def unit(self, name: str) -> str | None:
        """Return the NGFF name of the unit of an axis; None if it has none."""
        return self.along(name, tuple(axis.unit for axis in self.axes), None)


type Blocks = Iterator[npt.NDArray[Any]]
"""The voxels of a cutout in blocks, in C order one after another; what was yielded is not kept."""


def joined(cutout: Cutout, blocks: Blocks) -> npt.NDArray[Any]:
    """Return all voxels as one array of the shape of the cutout, little-endian."""
    little, size = cutout.dtype.newbyteorder("<"), math.prod(cutout.shape)
    first = next(blocks)
    if first.size == size:
        return np.ascontiguousarray(first.astype(little, copy=False)).reshape(cutout.shape)
    whole, done = np.empty(size, little), 0
    for block in chain([first], blocks):
        whole[done : done + block.size] = block.reshape(-1)
        done += block.size
    return whole.reshape(cutout.shape)


def as_bytes(voxels: npt.NDArray[Any]) -> memoryview:
    """Return the voxels' memory as it lies, C order and little-endian, without a copy."""
    little = voxels.astype(voxels.dtype.newbyteorder("<"), copy=False)
    return memoryview(np.ascontiguousarray(little).reshape(-1).view(np.uint8))
