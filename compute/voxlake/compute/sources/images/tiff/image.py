"""A TIFF file with a volume in it: multi-page, ImageJ or OME-TIFF."""

from __future__ import annotations

import logging
import weakref
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from voxlake.compute.sources.arranged_source import ArrangedSource, filled
from voxlake.compute.sources.arrangement import arrange_named
from voxlake.compute.sources.fingerprint import fingerprint_files
from voxlake.compute.sources.images.orientation import oriented, tiff_orientation
from voxlake.compute.sources.images.palette import (
    INDICES,
    LOOKUP,
    TIFF_PALETTE,
    in_colours,
    tiff_palette,
)
from voxlake.compute.sources.images.slice_image import TIFF
from voxlake.compute.sources.images.tiff.channels import tiff_channels
from voxlake.compute.sources.images.tiff.directory import read_directories
from voxlake.compute.sources.images.tiff.imagej_values import with_told_values
from voxlake.compute.sources.images.tiff.negative import NEGATIVE, is_negative
from voxlake.compute.sources.images.tiff.ome_tiff import COMPANION, DescribedTiff, open_described
from voxlake.compute.sources.images.tiff.page import (
    SAVE_ALIKE,
    TIFF_ERRORS,
    block_of,
    check_alike,
    check_pages,
    read_page,
)
from voxlake.compute.sources.images.tiff.places import tiff_calibration
from voxlake.compute.sources.images.tiff.promise import check_planes, is_ome
from voxlake.compute.sources.location import local_path
from voxlake.compute.sources.source import native
from voxlake.platform.errors import InvalidInputError, SourceError, UnsupportedError

if TYPE_CHECKING:
    from tifffile import TiffFrame, TiffPage, TiffPageSeries

    from voxlake.compute.sources.calibration import Calibration
    from voxlake.compute.sources.source import Source
    from voxlake.ngff.grid.box import Box

_COLOUR_MAP = 320
_AXES = {"I": "z", "Q": "z", "S": "c"}
"""tifffile's letters for a sequence, an unnamed axis and samples; the others are our own."""


def open_tiff(location: str) -> Source | None:
    """Open a ``.tif`` or ``.tiff`` file.

    Raises
    ------
    SourceError
        If it is no TIFF, its pages differ, or its axes cannot be told.
    """
    path = local_path(location)
    if path is None or not path.name.lower().endswith(TIFF + COMPANION) or not path.is_file():
        return None
    # What it would only log (a torn list of pages, say), `check` finds and raises.
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    try:
        described = open_described(path)
        try:
            source = _source(path, described)
        except BaseException:
            described.tif.close()
            raise
    except TIFF_ERRORS as error:
        if isinstance(error, InvalidInputError):
            raise
        raise SourceError(f"TIFF {path} cannot be read ({error}); restore the file") from error
    except RuntimeError as error:
        raise SourceError(
            f"TIFF {path} has pages that are not alike ({error}); {SAVE_ALIKE}"
        ) from error
    # Not with the source: others that are made of it read on.
    weakref.finalize(source.check_stored, described.tif.close)
    return source


def _source(path: Path, described: DescribedTiff) -> ArrangedSource:
    series = _only_series(path, described)
    files = sorted({_file(page) for page in series if page is not None})
    names = [_AXES.get(letter, letter.lower()) for letter in series.axes]
    mapped = _mapped(path, series) if files == [_file(series.keyframe)] else None
    dtype = native(series.dtype, f"TIFF {path}")
    rows, columns = block_of(series.keyframe)
    samples = series.keyframe.samplesperpixel
    extents = {"Y": rows, "X": columns, "S": samples}
    coded = tuple(extents.get(letter, 1) for letter in series.axes)
    fill = partial(_fill, path, series)
    source = ArrangedSource(
        arrangement=arrange_named(names, series.shape, f"TIFF {path}"),
        dtype=dtype,
        fingerprint=fingerprint_files([*files, *described.companion], "tiff"),
        read_stored=filled(fill, dtype) if mapped is None else partial(_part, path, mapped),
        fill_stored=fill if mapped is None else None,
        stored_block=coded if mapped is None else None,
        calibration=_calibration(described, series),
        described=tiff_channels(described, series, dtype),
        check_stored=partial(
            _check, path, series, described.description, is_mapped=mapped is not None
        ),
    )
    return with_told_values(_with_palette(source, path, series), described.description)


def _calibration(described: DescribedTiff, series: TiffPageSeries) -> Calibration:
    said = tiff_calibration(described, series)
    return replace(said, lost=said.lost + oriented(tiff_orientation(series.keyframe)).lost)


def _with_palette(source: ArrangedSource, path: Path, series: TiffPageSeries) -> ArrangedSource:
    if is_negative(series.keyframe):
        return replace(source, remark=NEGATIVE)
    if series.keyframe.photometric != TIFF_PALETTE:
        return source
    palette = tiff_palette(series.keyframe)
    if palette is None:
        return replace(source, remark=LOOKUP)
    if palette.is_ramp:
        return source
    colours = partial(in_colours, source, palette, f"TIFF {path}")
    return replace(source, remark=INDICES, colours=colours)


def _part(path: Path, mapped: np.memmap, box: Box) -> np.ndarray:
    """Return a part of a map; to touch that beyond the end of its file would end the process."""
    if path.stat().st_size < mapped.offset + mapped.nbytes:
        raise _truncated(path)
    return mapped[box.slices]


def _fill(path: Path, series: TiffPageSeries, box: Box, out: np.ndarray) -> None:
    """Read the strips or tiles that `box` touches, page by page."""
    lead = box.ndim - series.keyframe.ndim
    numbers = np.arange(len(series)).reshape(series.shape[:lead])[box.slices[:lead]]
    # Looked up one after the other: tifffile moves the file's position to load a page.
    pages = [_page(path, series, int(n)) for n in numbers.ravel()]
    for place, page in zip(np.ndindex(numbers.shape), pages, strict=True):
        out[place] = _read_page(page, series.keyframe.axes, box.slices[lead:])


def _page(path: Path, series: TiffPageSeries, number: int) -> TiffPage | TiffFrame:
    try:
        page = series[number]
    except TIFF_ERRORS as error:
        raise _absent_page(path, number) from error
    if page is None:
        raise _absent_page(path, number)
    if page.parent.filehandle.closed:  # a companion file of an OME-TIFF
        page.parent.filehandle.open()
    return page


def _read_page(page: TiffPage | TiffFrame, axes: str, window: tuple[slice, ...]) -> np.ndarray:
    """Return the `window` of one page, both in the order of its own `axes`."""
    bounds = dict(zip(axes, window, strict=True))
    rows, columns = (range(bounds[name].start, bounds[name].stop) for name in "YX")
    pixels = read_page(page, rows, columns)
    if "S" not in bounds:
        return pixels
    pixels = pixels[..., bounds["S"]]
    return np.moveaxis(pixels, -1, 0) if axes[0] == "S" else pixels


def _check(path: Path, series: TiffPageSeries, description: str, *, is_mapped: bool) -> None:
    """Hold the planes to the metadata, and every directory, strip and tile to the file's size."""
    pages = [_page(path, series, number) for number in range(len(series))]
    check_planes(path, series, pages, description)
    if is_mapped and (series.dataoffset or 0) + series.nbytes > path.stat().st_size:
        raise _truncated(path)
    for tif in {id(page.parent): page.parent for page in pages}.values():
        check_pages(tif, Path(tif.filehandle.path))
        if series.keyframe.photometric == TIFF_PALETTE:
            _check_one_palette(Path(tif.filehandle.path))
    check_alike(pages, series.keyframe)


def _check_one_palette(path: Path) -> None:
    """Raise SourceError if pages have palettes of their own: the reader takes that of the first."""
    with path.open("rb") as file:
        directories = read_directories(file.fileno())
        assert directories is not None  # `check_pages` has read them
        own = [[tag for tag in page if tag[0] == _COLOUR_MAP] for page in directories]
        maps = [directories.whole_numbers(tags) for tags in own]
    if any(one != maps[0] for one in maps):
        raise SourceError(
            f"TIFF {path} has pages whose palettes differ; save all with one palette, or each page "
            "as a file of its own"
        )


def _only_series(path: Path, described: DescribedTiff) -> TiffPageSeries:
    tif = described.tif
    if len(tif.series) != 1:
        shapes = ", ".join(str(series.shape) for series in tif.series)
        raise SourceError(
            f"TIFF {path} holds {len(tif.series)} images, of the shapes {shapes}, and not one "
            "volume; split it"
        )
    series = tif.series[0]
    if is_ome(described.description) and series.kind != "ome":
        raise SourceError(
            f"TIFF {path} has OME-XML that does not fit its pages; restore the file, or save it "
            "again with metadata that are right"
        )
    if series.keyframe.imagedepth != 1:
        raise UnsupportedError(f"TIFF {path} has volumetric tiles; convert it")
    return series


def _file(page: TiffPage | TiffFrame) -> Path:
    return Path(page.parent.filehandle.path)


def _mapped(path: Path, series: TiffPageSeries) -> np.memmap | None:
    """Return a memory map of the series, if it lies uncompressed in one piece."""
    offset = series.dataoffset
    if offset is None:
        return None
    if offset + series.nbytes > path.stat().st_size:
        raise _truncated(path)
    dtype = series.dtype.newbyteorder(series.keyframe.parent.byteorder)
    return np.memmap(path, dtype, "r", offset, series.shape)


def _absent_page(path: Path, number: int) -> SourceError:
    return SourceError(
        f"TIFF {path} lacks page {number} that its metadata name; restore the files it is of"
    )


def _truncated(path: Path) -> SourceError:
    return SourceError(f"TIFF {path} is truncated: its voxels end past the file; restore the file")
