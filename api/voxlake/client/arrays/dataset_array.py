"""A dataset that is sliced like a NumPy array: ``lake["lab/brain/em"][10:20, :, ::2]``."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.client.arrays.shown import SOON_S, picture_html, soon, table_html, text_html
from voxlake.client.arrays.slice_picture import middle_png
from voxlake.client.arrays.window import cover
from voxlake.ngff.grid.box import Box
from voxlake.platform.errors import InvalidInputError, OutOfBoundsError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import EllipsisType

    import dask.array as da
    import numpy.typing as npt
    import xarray as xr

    from voxlake.ngff.grid.ranges import Region
    from voxlake.ngff.metadata.model import Multiscale

    type Part = int | slice
    type Index = Part | EllipsisType | tuple[Part | EllipsisType, ...]


@dataclass(frozen=True, slots=True)
class DatasetArray:
    """One level of a dataset. Nothing is read before it is indexed, and then only that.

    It takes what NumPy calls basic indices: numbers, ranges with steps, ``...``. Each read is one
    of the smallest box that holds what is asked for. Notebooks show its middle slice and levels.
    """

    name: str
    """``collection/experiment/dataset``."""
    address: str
    """Of its OME-Zarr group."""
    multiscale: Multiscale = field(repr=False)
    """Its axes, and where its voxels lie."""
    shapes: tuple[tuple[int, ...], ...]
    """Of all levels."""
    dtype: np.dtype[Any]
    read_box: Callable[[int, Box], npt.NDArray[Any]] = field(repr=False)
    """Returns the voxels of a box of a level."""
    write_box: Callable[[Box, npt.NDArray[Any]], object] | None = field(default=None, repr=False)
    """Writes voxels, or one number, into a box of level 0; None: they cannot be written here."""
    token: str | None = field(default=None, repr=False)
    """By which a gateway is asked for the bytes at `address`; None: it is on a store."""
    level: int = 0

    @property
    def axes(self) -> tuple[str, ...]:
        """Names of its axes."""
        return self.multiscale.axis_names

    @property
    def is_labels(self) -> bool:
        """Whether voxels are ids of objects, and no intensities."""
        return self.multiscale.is_labels

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along each of `axes`."""
        return self.shapes[self.level]

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.axes)

    @property
    def size(self) -> int:
        """Number of voxels."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes that all voxels are in memory."""
        return self.size * self.dtype.itemsize

    def at_level(self, level: int) -> DatasetArray:
        """Return another level; 0 is the finest.

        Raises
        ------
        OutOfBoundsError
            If there is none.
        """
        if not 0 <= level < len(self.shapes):
            raise OutOfBoundsError(
                f"level {level} of {self.name} was asked for; it has 0 to {len(self.shapes) - 1}"
            )
        return replace(self, level=level)

    def xarray(self, region: Region | None = None, *, send_token: bool = False) -> xr.DataArray:
        """Return the level, or a region of it, lazily and with its places: see `open_xarray`."""
        from voxlake.client.arrays.xarrays import open_xarray  # which asks gateways itself

        return open_xarray(
            self.address, self.level, self.token, region=region, send_token=send_token
        )

    def dask(self, region: Region | None = None, *, send_token: bool = False) -> da.Array:
        """Return the level, or a region of it, as a Dask array whose chunks are the shards."""
        lazy: da.Array = self.xarray(region, send_token=send_token).data
        return lazy

    def _repr_html_(self) -> str | None:
        """Return the middle slice and the levels, for notebooks; without what cannot be had."""
        return soon(lambda: self._html(soon(lambda: middle_png(self), SOON_S / 2)))

    def _html(self, png: bytes | None) -> str:
        units = [axis.unit or "" for axis in self.multiscale.axes]
        columns = ("level", " x ".join(self.axes), "voxel size", "in memory")
        levels = zip(self.multiscale.levels, self.shapes, strict=True)
        rows = [
            (
                number,
                shape,
                ", ".join(
                    f"{size:g} {unit}".strip()
                    for size, unit in zip(level.scale, units, strict=True)
                ),
                f"{math.prod(shape) * self.dtype.itemsize / 1e6:,.1f} MB",
            )
            for number, (level, shape) in enumerate(levels)
        ]
        kind = "labels" if self.is_labels else "image"
        title = f"<p><b>{text_html(self.name)}</b> {kind}, {self.dtype}, level {self.level}</p>"
        picture = "" if png is None else picture_html(png, f"the middle slice of {self.name}")
        return f"<div>{title}{picture}{table_html(columns, rows)}</div>"

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[npt.NDArray[Any]]:
        return (self[number] for number in range(len(self)))

    def __array__(
        self,
        dtype: npt.DTypeLike | None = None,
        copy: bool | None = None,  # noqa: FBT001  (as NumPy calls it)
    ) -> npt.NDArray[Any]:
        if copy is False:
            raise ValueError(f"{self.name} is not in memory, and reading it makes a copy")
        return np.asarray(self[...], dtype)

    def __getitem__(self, index: Index) -> Any:
        """Return voxels, as NumPy does: an array, or one number if there is one for each axis.

        Raises
        ------
        OutOfBoundsError
            If a number is outside.
        InvalidInputError
            If it is no basic index.
        StoreError, NotFoundError, UnauthenticatedError, CorruptDataError
            If it cannot be read.
        """
        parts = self._parts(index)
        covers = [cover(part, 0, n) for part, n in zip(parts, self.shape, strict=True)]
        box = _box(outer for outer, _ in covers)
        voxels = np.empty(box.shape, self.dtype) if box.is_empty else self.read_box(self.level, box)
        return voxels[tuple(inner for _, inner in covers)]

    def __setitem__(self, index: Index, value: npt.ArrayLike) -> None:
        """Write voxels, which are broadcast as NumPy does; they are durable when this returns.

        Raises
        ------
        UnsupportedError
            If it is a level above 0, which follow level 0, or cannot be written here.
        InvalidInputError
            If a value is none of the type of the dataset, shapes do not fit, or a range steps.
        """
        if self.write_box is None or self.level:
            raise UnsupportedError(
                f"{self.name} was to be written at level {self.level}; it is written at level 0, "
                "and through a gateway: connect('https://...')[...]"
            )
        parts = self._parts(index)
        if any(isinstance(part, slice) and part.step not in {None, 1} for part in parts):
            raise InvalidInputError(f"{index} steps; a range to write to does not: write it whole")
        covers = [cover(part, 0, n) for part, n in zip(parts, self.shape, strict=True)]
        box = _box(outer for outer, _ in covers)
        kept = [n for n, part in zip(box.shape, parts, strict=True) if isinstance(part, slice)]
        voxels = _as_stored(value, self.dtype)
        try:
            fitted = np.broadcast_to(voxels, kept)
        except ValueError as error:
            raise InvalidInputError(
                f"voxels of shape {voxels.shape} were to be written to {kept}; give as many"
            ) from error
        if not box.is_empty:
            self.write_box(box, fitted.reshape(box.shape) if voxels.ndim else voxels)

    def _parts(self, index: Index) -> tuple[Part, ...]:
        """Return an index as a part for each axis."""
        given = list(index) if isinstance(index, tuple) else [index]
        dots = [number for number, part in enumerate(given) if part is Ellipsis]
        if len(dots) > 1 or len(given) - len(dots) > self.ndim:
            raise InvalidInputError(
                f"{len(given)} indices were given for the axes {', '.join(self.axes)} of "
                f"{self.name}; give one for each at most, and ... once"
            )
        whole = [slice(None)] * (self.ndim - len(given) + len(dots))
        at = dots[0] if dots else len(given)
        filled: list[Any] = [*given[:at], *whole, *given[at + 1 :]]
        return tuple(map(_part, filled, self.shape, self.axes))


def _part(part: Any, extent: int, axis: str) -> Part:
    try:
        if isinstance(part, slice):
            part.indices(extent)
            return part
        number = operator.index(part)
    except (TypeError, ValueError) as error:
        raise _no_index(part, axis) from error
    if isinstance(part, bool):  # NumPy takes these for masks.
        raise _no_index(part, axis)
    if not -extent <= number < extent:
        raise OutOfBoundsError(
            f"voxel {number} along {axis} was asked for; there are {extent}, from 0"
        )
    return int(number)


def _no_index(part: object, axis: str) -> InvalidInputError:
    return InvalidInputError(
        f"{part!r} along {axis} is no number and no range; read what holds it, and index that"
    )


def _box(ranges: Iterator[slice]) -> Box:
    ends = [(part.start, part.stop) for part in ranges]
    return Box(tuple(lo for lo, _ in ends), tuple(hi for _, hi in ends))


def _as_stored(value: npt.ArrayLike, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Return a value as another type: floats rounded to floats, all else exactly.

    Raises
    ------
    InvalidInputError
        If the type cannot hold it.
    """
    given = np.asarray(value)
    with np.errstate(invalid="ignore", over="ignore"):
        voxels = given.astype(dtype) if given.dtype.kind in "buif" else None
    if voxels is None or not _is_kept(given, voxels):
        raise InvalidInputError(
            f"{given.dtype} voxels were to be written as {dtype}, which does not hold all of them; "
            "convert them as they are meant"
        )
    return voxels


def _is_kept(given: npt.NDArray[Any], voxels: npt.NDArray[Any]) -> bool:
    if given.dtype.kind == voxels.dtype.kind == "f":
        return bool(np.array_equal(np.isfinite(given), np.isfinite(voxels)))
    return bool(np.array_equal(given, voxels))
