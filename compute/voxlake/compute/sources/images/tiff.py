"""A TIFF file with a volume in it: multi-page, ImageJ or OME-TIFF."""

from __future__ import annotations

import logging
import weakref
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tifffile import TiffFile

from voxlake.compute.sources.arrangement import Arrangement, arrange
from voxlake.compute.sources.fingerprint import fingerprint_files
from voxlake.compute.sources.images.slice_image import TIFF
from voxlake.compute.sources.images.tiff_page import TIFF_ERRORS, block_of, check_pages, read_page
from voxlake.compute.sources.location import local_path
from voxlake.compute.sources.source import check_inside, native
from voxlake.ngff.grid.axes import METRES, VoxelSize, parse_unit
from voxlake.platform.errors import InvalidInputError, SourceError, UnsupportedError

if TYPE_CHECKING:
    from tifffile import TiffFrame, TiffPage, TiffPageSeries

    from voxlake.compute.sources.source import Source
    from voxlake.ngff.grid.box import Box

_AXES = {"I": "z", "Q": "z", "S": "c"}
"""tifffile's letters for a sequence, an unnamed axis and samples; the others are our own."""


@dataclass(frozen=True, slots=True, weakref_slot=True)
class TiffSource:
    """The one image series of a TIFF file."""

    path: Path
    series: TiffPageSeries = field(repr=False)
    arrangement: Arrangement
    dtype: np.dtype
    voxel_size: VoxelSize | None
    fingerprint: str
    mapped: np.ndarray | None = field(repr=False)
    """The whole series as a memory map, if it lies uncompressed in one piece."""

    @property
    def axes(self) -> tuple[str, ...]:
        """Axes as voxlake orders them."""
        return self.arrangement.axes

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along each axis."""
        return self.arrangement.shape

    @property
    def block(self) -> tuple[int, ...]:
        """A strip or a tile of a page, all samples of a pixel; ones if they are not coded."""
        rows, columns = block_of(self.series.keyframe)
        extents = {"y": rows, "x": columns} if self.mapped is None else {}
        return tuple(extents.get(name, 1) for name in self.axes)

    def read(self, box: Box) -> np.ndarray:
        """Read the strips or tiles that `box` touches."""
        check_inside(box, self)
        return self.arrangement.read(box, self.dtype, self._read_stored)

    def _read_stored(self, box: Box) -> np.ndarray:
        return self._read_pages(box) if self.mapped is None else np.array(self.mapped[box.slices])

    def _read_pages(self, stored: Box) -> np.ndarray:
        lead = stored.ndim - self.series.keyframe.ndim
        numbers = np.arange(len(self.series)).reshape(self.series.shape[:lead])
        # Looked up one after the other: tifffile moves the file's position to load a page.
        pages = [self._page(int(n)) for n in numbers[stored.slices[:lead]].ravel()]
        out = np.empty(stored.shape, self.dtype)
        flat = out.reshape(-1, *stored.shape[lead:])

        for target, page in zip(flat, pages, strict=True):
            target[...] = self._read_page(page, stored.slices[lead:])
        return out

    def _page(self, number: int) -> TiffPage | TiffFrame:
        try:
            page = self.series[number]
        except TIFF_ERRORS as error:
            raise _absent_page(self.path, number) from error
        if page is None:
            raise _absent_page(self.path, number)
        if page.parent.filehandle.closed:  # a companion file of an OME-TIFF
            page.parent.filehandle.open()
        return page

    def _read_page(self, page: TiffPage | TiffFrame, window: tuple[slice, ...]) -> np.ndarray:
        """Return the `window` (in the order of the page's own axes) of one page."""
        order = self.series.keyframe.axes
        bounds = dict(zip(order, window, strict=True))
        rows, columns = (range(bounds[name].start, bounds[name].stop) for name in "YX")
        pixels = read_page(page, rows, columns)
        if "S" not in bounds:
            return pixels
        pixels = pixels[..., bounds["S"]]
        return np.moveaxis(pixels, -1, 0) if order[0] == "S" else pixels

    def check(self) -> None:
        """Hold every directory, strip and tile to the size of the file."""
        pages = [self._page(number) for number in range(len(self.series))]
        end = (self.series.dataoffset or 0) + self.series.nbytes
        if self.mapped is not None and end > self.path.stat().st_size:
            raise _truncated(self.path)
        for tif in {id(page.parent): page.parent for page in pages}.values():
            check_pages(tif, Path(tif.filehandle.path))


def _absent_page(path: Path, number: int) -> SourceError:
    return SourceError(
        f"TIFF {path} lacks page {number} that its metadata name; restore the files it is of"
    )


def _truncated(path: Path) -> SourceError:
    return SourceError(f"TIFF {path} is truncated: its voxels end past the file; restore the file")


def open_tiff(location: str) -> Source | None:
    """Open a ``.tif`` or ``.tiff`` file.

    Raises
    ------
    SourceError
        If it is no TIFF, its pages differ, or its axes cannot be told.
    """
    path = local_path(location)
    if path is None or path.suffix.lower() not in TIFF or not path.is_file():
        return None
    # What it would only log (a torn list of pages, say), `check` finds and raises.
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    try:
        tif = TiffFile(path)
        try:
            source = _source(path, tif)
        except BaseException:
            tif.close()
            raise
    except TIFF_ERRORS as error:
        if isinstance(error, InvalidInputError):
            raise
        raise SourceError(f"TIFF {path} cannot be read ({error}); restore the file") from error
    weakref.finalize(source, tif.close)
    return source


def _source(path: Path, tif: TiffFile) -> TiffSource:
    series = _only_series(path, tif)
    files = sorted({_file(page) for page in series if page is not None})
    names = [_AXES.get(letter, letter.lower()) for letter in series.axes]
    return TiffSource(
        path=path,
        series=series,
        arrangement=arrange(names, series.shape, f"TIFF {path}"),
        dtype=native(series.dtype, f"TIFF {path}"),
        voxel_size=_voxel_size(series),
        fingerprint=fingerprint_files(files, "tiff"),
        mapped=_mapped(path, series) if files == [_file(series.keyframe)] else None,
    )


def _only_series(path: Path, tif: TiffFile) -> TiffPageSeries:
    if len(tif.series) != 1:
        shapes = ", ".join(str(series.shape) for series in tif.series)
        raise SourceError(
            f"TIFF {path} holds {len(tif.series)} images, of the shapes {shapes}, and not one "
            "volume; split it"
        )
    series = tif.series[0]
    if series.keyframe.photometric == 3 or series.keyframe.imagedepth != 1:
        raise UnsupportedError(f"TIFF {path} has indexed colours or volumetric tiles; convert it")
    return series


def _file(page: TiffPage | TiffFrame) -> Path:
    return Path(page.parent.filehandle.path)


def _mapped(path: Path, series: TiffPageSeries) -> np.ndarray | None:
    """Return a memory map of the series, if it lies uncompressed in one piece."""
    offset = series.dataoffset
    if offset is None:
        return None
    if offset + series.nbytes > path.stat().st_size:
        raise _truncated(path)
    dtype = series.dtype.newbyteorder(series.keyframe.parent.byteorder)
    return np.memmap(path, dtype, "r", offset, series.shape)


def _voxel_size(series: TiffPageSeries) -> VoxelSize | None:
    """Return the voxel size that OME-XML, ImageJ or the resolution tags give, all axes or none."""
    scales, units = series.coord_scales, series.coord_units
    try:
        unit = parse_unit(units["X"])
        factors = {axis: METRES[parse_unit(units[axis])] / METRES[unit] for axis in "ZYX"}
        # Nine digits: the scales come from differences of coordinates.
        z, y, x = (float(f"{scales[axis] * factors[axis]:.9g}") for axis in "ZYX")
        return VoxelSize(z, y, x, unit)
    except (KeyError, InvalidInputError):
        return None
