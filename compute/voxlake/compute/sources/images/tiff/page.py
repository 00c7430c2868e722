"""One page of a TIFF file: is all of it there, and the voxels of a rectangle of it."""

from __future__ import annotations

import math
import os
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tifffile import TiffFileError

from voxlake.compute.sources.images.tiff.directory import read_directories
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tifffile import TiffFile, TiffFrame, TiffPage

    from voxlake.compute.sources.images.tiff.directory import Tag

_GDAL = {42112, 42113}
"""Tags of GDAL, whose strips and tiles of offset and length 0 are not there: no data."""


_HEIGHT, _ROWS = 257, 278
_VOXELS = {
    256: "width",
    _HEIGHT: "height",
    258: "number of bits",
    262: "photometric interpretation",
    277: "number of samples",
    339: "format of samples",
}
"""Tags of what the voxels of a page are, in words."""
_CODING = {
    259: "compression",
    266: "order of bits",
    _ROWS: "number of rows in a strip",
    284: "order of samples",
    317: "predictor",
    322: "width of tiles",
    323: "height of tiles",
}
"""Tags of how they are stored."""
_USUAL = {_ROWS: 2**32 - 1}
"""What is meant by leaving a tag out, where it is not 1 (TIFF 6.0)."""

SAVE_ALIKE = "save all pages alike, or each as a file of its own"


def read_page(page: TiffPage | TiffFrame, rows: range, columns: range) -> np.ndarray:
    """Return ``rows`` x ``columns`` of a page: (y, x), or (y, x, sample) of colour.

    Only the strips or tiles that the rectangle touches are read and decoded. Safe in threads.

    Raises
    ------
    SourceError
        If one of them is cut off or does not decode.
    """
    key = _keyframe(page)
    planes, _, _, _, samples = key.shaped
    out = np.empty((planes, len(rows), len(columns), samples), page.dtype)
    for index in _touched(key, rows, columns):
        segment, (plane, _, top, left, _), (_, height, width, _) = _decode(page, index)
        height, width = min(height, key.imagelength - top), min(width, key.imagewidth - left)
        y0, y1 = max(rows.start, top), min(rows.stop, top + height)
        x0, x1 = max(columns.start, left), min(columns.stop, left + width)
        target = out[plane, slice(y0 - rows.start, y1 - rows.start)]
        target = target[:, slice(x0 - columns.start, x1 - columns.start)]
        if segment is None:
            target[...] = key.nodata
        else:
            target[...] = segment[0, y0 - top : y1 - top, x0 - left : x1 - left]
    if samples == planes == 1:
        return out[0, :, :, 0]
    return np.ascontiguousarray(np.moveaxis(out, 0, 2).reshape(len(rows), len(columns), -1))


def block_of(page: TiffPage) -> tuple[int, int]:
    """Return rows and columns of the strips or tiles of a page: `read_page` reads them whole."""
    height, width = _segment_shape(page)
    return min(height, page.imagelength), min(width, page.imagewidth)


def _segment_shape(page: TiffPage) -> tuple[int, int]:
    """Return rows and columns that strips or tiles have before the last is cut to the page."""
    if page.is_tiled:
        return page.tilelength, page.tilewidth
    return page.rowsperstrip, page.imagewidth


def _keyframe(page: TiffPage | TiffFrame) -> TiffPage:
    """Return the page that says how this one is laid out."""
    if page.keyframe is None or page.keyframe.dtype is None:
        raise SourceError(f"page {page.index} has no layout that voxlake reads; restore the file")
    return page.keyframe


def _touched(page: TiffPage, rows: range, columns: range) -> Iterator[int]:
    """Yield the indices of the strips or tiles that a rectangle touches, of every plane."""
    height, width = _segment_shape(page)
    down, across = -(-page.imagelength // height), -(-page.imagewidth // width)
    for plane in range(page.shaped[0]):
        for row in range(rows.start // height, -(-rows.stop // height)):
            for column in range(columns.start // width, -(-columns.stop // width)):
                yield (plane * down + row) * across + column


type _Segment = tuple[np.ndarray | None, tuple[int, int, int, int, int], tuple[int, int, int, int]]


def _decode(page: TiffPage | TiffFrame, index: int) -> _Segment:
    handle = page.parent.filehandle
    offset, count = _place(page, index)
    # pread: the position of the shared handle is not moved, so threads need no lock.
    data = os.pread(handle.fileno(), count, offset) if count else None
    if data is not None and len(data) < count:
        raise SourceError(f"page {page.index} of {handle.path} is cut off; restore the file")
    try:
        segment: _Segment = page.decode(data, index, jpegtables=page.jpegtables)
    except Exception as error:  # each codec has errors of its own
        raise SourceError(
            f"page {page.index} of {handle.path} does not decode ({error}); restore the file"
        ) from error
    if segment[0] is not None and segment[0].shape[1] < segment[2][1]:
        raise SourceError(
            f"page {page.index} of {handle.path} has {segment[0].shape[1]} of {segment[2][1]} rows "
            "of a strip or tile; restore the file"
        )
    return segment


def _place(page: TiffPage | TiffFrame, index: int) -> tuple[int, int]:
    """Return where a strip or tile begins and how many bytes it has: none if it is sparse.

    The length of what is not coded follows from its extents: some programs write 0, as libtiff
    overlooks.

    Raises
    ------
    SourceError
        If it was never written, or takes other bytes than its extents do.
    """
    key = _keyframe(page)
    offset, count = int(page.dataoffsets[index]), int(page.databytecounts[index])
    if not offset and not count and (key.is_tiled or not _GDAL.isdisjoint(key.tags.keys())):
        return 0, 0
    needed = _plain_bytes(key, index)
    if not offset or (not count and needed is None) or (needed is not None and 0 < count < needed):
        raise SourceError(
            f"page {page.index} of {page.parent.filehandle.path} has {count} bytes from byte "
            f"{offset} on for strip or tile {index}{f' of {needed} bytes' if needed else ''}; "
            "restore the file"
        )
    return offset, count if needed is None else needed


def _plain_bytes(page: TiffPage, index: int) -> int | None:
    """Return the bytes of a strip or tile that is not coded; None of others."""
    if page.compression != 1:
        return None
    planes = page.shaped[0]
    samples = page.samplesperpixel // planes
    height, width = _segment_shape(page)
    if not page.is_tiled:
        strips = -(-page.imagelength // height)
        height = min(height, page.imagelength - index % strips * height)
    return height * -(-width * samples * page.bitspersample // 8)


def check_pages(tif: TiffFile, path: Path) -> None:
    """Raise SourceError unless every directory, strip and tile of the file lies inside it."""
    size = path.stat().st_size
    promised = count_directories(path)
    if promised != len(tif.pages):
        raise SourceError(
            f"TIFF {path} promises {promised} pages, {len(tif.pages)} can be read; restore the file"
        )
    for page in tif.pages:
        segments = math.prod(_keyframe(page).chunked)
        if not len(page.dataoffsets) == len(page.databytecounts) == segments:
            raise SourceError(
                f"page {page.index} of TIFF {path} has {segments} strips or tiles, and places for "
                f"{len(page.dataoffsets)}; restore the file"
            )
        if max(sum(_place(page, index)) for index in range(segments)) > size:
            raise SourceError(
                f"TIFF {path} is truncated: page {page.index} ends past the file's {size} bytes; "
                "restore the file"
            )


def check_alike(pages: Iterable[TiffPage | TiffFrame], first: TiffPage) -> None:
    """Raise SourceError if one of `pages`, of whole files, has not the voxels of the `first`.

    tifffile looks at few pages of many, and decodes the others as it does the first of their file.
    """
    layouts: dict[str, list[dict[str, set[int]]]] = {}

    def layout(page: TiffPage | TiffFrame) -> dict[str, set[int]]:
        path = page.parent.filehandle.path
        if path not in layouts:
            layouts[path] = _layouts(Path(path))
        return layouts[path][page.index]

    for page in pages:
        own = layout(page)
        for other, names in ((first, _VOXELS.values()), (_keyframe(page), own)):
            odd = [name for name in names if own[name] != layout(other)[name]]
            if odd:
                file, theirs = (each.parent.filehandle.path for each in (page, other))
                raise SourceError(
                    f"page {page.index} of {file} has another {' and another '.join(odd)} than "
                    f"page {other.index}{f' of {theirs}' if theirs != file else ''}; {SAVE_ALIKE}"
                )


def _layouts(path: Path) -> list[dict[str, set[int]]]:
    """Return, by page, what its tags say of its layout and its voxels, or what they leave out."""
    with path.open("rb") as file:
        directories = read_directories(file.fileno())
        assert directories is not None  # `check_pages` has read them
        return [_layout(directories.whole_numbers(_of_layout(tags))) for tags in directories]


def _of_layout(tags: Iterable[Tag]) -> list[Tag]:
    return [tag for tag in tags if tag[0] in _VOXELS or tag[0] in _CODING]


def _layout(said: Mapping[int, Sequence[int]]) -> dict[str, set[int]]:
    layout = {
        name: {*said.get(code, (_USUAL.get(code, 1),))}
        for code, name in (_VOXELS | _CODING).items()
    }
    strip = _CODING[_ROWS]  # no longer than the page
    return layout | {strip: {min(*layout[strip], *layout[_VOXELS[_HEIGHT]])}}


def count_directories(path: Path) -> int:
    """Return the number of pages that the chain of image file directories names.

    Readers commonly stop quietly where the chain leaves the file, and drop tags whose value does
    (OME-XML, say); here both are errors.

    Raises
    ------
    SourceError
        If the header is no TIFF's, or the chain or a tag leaves the file, or runs in a circle.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        directories = read_directories(file.fileno())
        if directories is None:
            head = file.read(4)
            raise SourceError(f"{path} is no TIFF file: it begins with {head!r}; restore the file")
        try:
            ends = [max(map(directories.end, tags), default=0) for tags in directories]
        except (struct.error, ValueError) as error:
            raise _torn_chain(path, size) from error
    if max(ends, default=0) > size:
        raise _torn_chain(path, size)
    return len(ends)


def _torn_chain(path: Path, size: int) -> SourceError:
    return SourceError(
        f"TIFF {path} is truncated: its list of pages leaves the file's {size} bytes; "
        "restore the file"
    )


TIFF_ERRORS = (TiffFileError, ValueError, KeyError, IndexError, struct.error, OSError)
"""What tifffile raises on broken files."""
