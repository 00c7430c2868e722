"""What Neuroglancer's precomputed format says of a volume, and how it names chunks. Pure.

https://github.com/google/neuroglancer/blob/master/src/datasource/precomputed/volume.md

Its axes are x, y, z, its chunks have x fastest, so that a chunk of an array ``(z, y, x)`` in C
order is one of it, byte for byte. It knows no time, so that each time point is a volume of its own,
sizes in nanometres, and whole voxels alone between the origin and the first voxel.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from voxlake.api.views.neuroglancer import si_unit
from voxlake.documents.viewer.precomputed import ScaleDocument, VolumeInfo
from voxlake.ngff.grid.axes import Axis, AxisType
from voxlake.ngff.grid.box import Box, cell_box, grid_shape
from voxlake.ngff.metadata.model import Level
from voxlake.platform.errors import NotFoundError, OutOfBoundsError, UnsupportedError

TYPES = ("uint8", "uint16", "uint32", "uint64", "float32")
"""Types of voxels that the format has."""
BLOCK = (8, 8, 8)
"""Voxels of a block of ``compressed_segmentation``: x, y, z."""
MOST_JPEG = 65_535
"""Rows and columns of a JPEG image, at most."""

_NANO = 1e9
_SPAN = r"(-?\d{1,15})-(-?\d{1,15})"
_NAME = re.compile(f"{_SPAN}_{_SPAN}_{_SPAN}")


@dataclass(frozen=True)
class Scale:
    """A level of a dataset, as a scale of the format."""

    number: int
    axes: tuple[Axis, ...]
    """Of its array, in order; as `shape`, `chunk` and the numbers of `level`."""
    level: Level
    shape: tuple[int, ...]
    chunk: tuple[int, ...]
    time: int | None = None
    """The time point that it is of; None: none was asked for."""

    @cached_property
    def space(self) -> tuple[int, int, int]:
        """Places of x, y and z among the axes."""
        names = [axis.name for axis in self.axes]
        return names.index("x"), names.index("y"), names.index("z")

    @cached_property
    def channel_axis(self) -> int | None:
        """Place of the axis of channels, if there is one."""
        types = [axis.type for axis in self.axes]
        return types.index(AxisType.CHANNEL) if AxisType.CHANNEL in types else None

    @cached_property
    def time_axis(self) -> int | None:
        """Place of the axis of time, if there is one."""
        types = [axis.type for axis in self.axes]
        return types.index(AxisType.TIME) if AxisType.TIME in types else None

    @property
    def channels(self) -> int:
        """How many channels there are."""
        return 1 if self.channel_axis is None else self.shape[self.channel_axis]

    @cached_property
    def offset(self) -> tuple[int, int, int]:
        """Place of the first voxel, in whole voxels of this scale: x, y, z.

        NGFF places the centre of a voxel and this format its corner, and all levels of a dataset
        begin at one corner.
        """
        places, sizes = self.xyz(self.level.translation), self.xyz(self.level.scale)
        x, y, z = (round(place / size) for place, size in zip(places, sizes, strict=True))
        return x, y, z

    @property
    def resolution(self) -> tuple[float, float, float]:
        """Size of a voxel in nanometres: x, y, z. A size without a unit is taken for that."""
        x, y, z = map(self._nanometres, self.space)
        return x, y, z

    def box_named(self, name: str) -> Box:
        """Return the voxels of the array, all channels, that a chunk of that name has.

        Raises
        ------
        NotFoundError
            If it is not the name of a chunk.
        OutOfBoundsError
            If there is no chunk of these voxels.
        """
        found = _NAME.fullmatch(name)
        if found is None:
            raise NotFoundError(
                f"{name[:80]!r} is no chunk; ask for one as 0-64_0-64_0-64, or info"
            )
        numbers = tuple(map(int, found.groups()))
        starts, stops = map(list, self._read)
        for place, axis in enumerate(self.space):
            starts[axis] = numbers[2 * place] - self.offset[place]
            stops[axis] = numbers[2 * place + 1] - self.offset[place]
        chunk = self._chunk_of(starts)
        if chunk is None or (*starts, *stops) != (*chunk.start, *chunk.stop):
            raise OutOfBoundsError(
                f"chunk {name} was asked for, and level {self.number} has none of these voxels; "
                "info says where they begin and how large they are"
            )
        return chunk

    def describe(self, encoding: str) -> ScaleDocument:
        """Return what the ``info`` says of it."""
        return ScaleDocument(
            key=str(self.number),
            size=self.xyz(self.shape),
            resolution=self.resolution,
            voxel_offset=self.offset,
            chunk_sizes=(self.xyz(self.chunk),),
            encoding=encoding,
            compressed_segmentation_block_size=(
                BLOCK if encoding == "compressed_segmentation" else None
            ),
        )

    def xyz[T](self, numbers: Sequence[T]) -> tuple[T, T, T]:
        """Return those of x, y and z of what there is one of for each axis."""
        x, y, z = self.space
        return numbers[x], numbers[y], numbers[z]

    @property
    def _read(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Where the voxels of the volume begin and end in the array."""
        starts, stops = [0] * len(self.axes), list(self.shape)
        if self.time_axis is not None and self.time is not None:
            starts[self.time_axis], stops[self.time_axis] = self.time, self.time + 1
        return tuple(starts), tuple(stops)

    def _chunk_of(self, start: Sequence[int]) -> Box | None:
        steps = list(self.chunk)
        if self.channel_axis is not None:
            steps[self.channel_axis] = self.channels
        cell = tuple(lo // step for lo, step in zip(start, steps, strict=True))
        grid = grid_shape(self.shape, tuple(steps))
        if not all(0 <= index < n for index, n in zip(cell, grid, strict=True)):
            return None
        return cell_box(cell, tuple(steps)) & Box(*self._read)

    def _nanometres(self, axis: int) -> float:
        size, (metres, unit) = self.level.scale[axis], si_unit(self.axes[axis])
        return float(f"{size * metres * _NANO if unit == 'm' else size:.15g}")


def check_taken(scale: Scale, dtype: np.dtype[Any], encoding: str, *, labels: bool) -> None:
    """Raise UnsupportedError if the format cannot have such voxels, in that encoding."""
    _check_axes(scale)
    if min(scale.level.scale[axis] for axis in scale.space) < 0:
        raise _not_taken("places that fall as voxels are counted up, and it has no such")
    if dtype.name not in TYPES:
        raise _not_taken(f"voxels of {dtype.name}, and it has {', '.join(TYPES)}")
    if labels and dtype.kind != "u":
        raise _not_taken(f"labels of {dtype.name}, and it has unsigned ones alone")
    if encoding == "compressed_segmentation" and dtype.name not in {"uint32", "uint64"}:
        raise _not_taken(f"voxels of {dtype.name}, and {encoding} takes uint32 and uint64")
    if encoding == "jpeg":
        _check_jpeg(scale, dtype)


def _check_axes(scale: Scale) -> None:
    there = ", ".join(axis.name for axis in scale.axes)
    left = [axis.name for axis in scale.axes if axis.type is not AxisType.CHANNEL]
    if scale.time_axis is not None:
        if scale.time is None:
            raise _not_taken(
                f"the axes {there}, and it has no time: ask for one point of it, as t=0/ after the "
                "name of the dataset"
            )
        points = scale.shape[scale.time_axis]
        if scale.time >= points:
            raise OutOfBoundsError(
                f"time point {scale.time} was asked for; there are {points}, from t=0"
            )
        left.remove(scale.axes[scale.time_axis].name)
    elif scale.time is not None:
        raise NotFoundError(f"t={scale.time} was asked for, and the axes are {there}: leave it out")
    if sorted(left) != ["x", "y", "z"] or len(scale.axes) - len(left) > 2:
        raise _not_taken(f"the axes {there}, and it has x, y, z and channels alone")


def _check_jpeg(scale: Scale, dtype: np.dtype[Any]) -> None:
    if dtype != np.uint8 or scale.channels not in {1, 3}:
        raise _not_taken(
            f"{scale.channels} channels of {dtype.name}, and jpeg takes uint8 with 1 or 3"
        )
    x, y, z = (scale.chunk[axis] for axis in scale.space)
    if x > MOST_JPEG or y * z > MOST_JPEG:
        raise _not_taken(f"chunks of {x} x {y} x {z} voxels, which are too large for jpeg")


def _not_taken(what: str) -> UnsupportedError:
    return UnsupportedError(
        f"the precomputed format was asked for; the dataset has {what}; read it at /zarr or /flat"
    )


def volume_info(
    scales: Sequence[Scale], dtype: np.dtype[Any], encoding: str, *, labels: bool
) -> VolumeInfo:
    """Return the ``info`` of a volume, the finest of whose `scales` comes first."""
    return VolumeInfo(
        type="segmentation" if labels else "image",
        data_type=dtype.name,
        num_channels=scales[0].channels,
        scales=tuple(scale.describe(encoding) for scale in scales),
    )
