"""A folder, or a glob, of 2-D images: one slice a file, z in the natural order of the names.

Grayscale images make ``z, y, x``. Images with several samples a pixel (RGB, with or without
alpha) make ``c, z, y, x``: nothing is dropped and nothing is mixed.
"""

from __future__ import annotations

import glob
import os
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from voxlake.compute.sources.arranged_source import ArrangedSource, filled
from voxlake.compute.sources.arrangement import arrange
from voxlake.compute.sources.fingerprint import fingerprint_files
from voxlake.compute.sources.images.plain_tiff import PlainTiff, open_plain_tiff
from voxlake.compute.sources.images.slice_image import (
    JPEG,
    PNG,
    SUFFIXES,
    TIFF,
    SliceHeader,
    check_whole,
    read_header,
    read_slice,
)
from voxlake.compute.sources.listing import listed
from voxlake.compute.sources.location import ZARR_MARKERS, is_pattern, local_path
from voxlake.compute.sources.parallel import map_parallel
from voxlake.compute.sources.tiles.numbering import check_numbering, natural_key
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxlake.compute.sources.source import Source
    from voxlake.ngff.grid.box import Box

KEPT_OPEN = 256
"""Slices that stay open: a task reads each of a layer many times, a few rows at a time."""


def open_stack(location: str) -> Source | None:
    """Open a folder or glob of images, or a single PNG or JPEG file.

    Raises
    ------
    SourceError
        If there is no image, or the first cannot be read.
    """
    files = _files(location)
    if files is None:
        return None
    files.sort(key=lambda file: natural_key(str(file)))
    header = read_header(files[0])
    plain = lru_cache(maxsize=KEPT_OPEN)(partial(_plain_slice, header))
    fill = partial(_fill, files, header, plain)
    shape = (header.samples, len(files), header.height, header.width)
    return ArrangedSource(
        arrangement=arrange("czyx", shape, f"stack {location}"),
        dtype=header.dtype,
        fingerprint=fingerprint_files(files, "stack"),
        read_stored=filled(fill, header.dtype),
        fill_stored=fill,
        stored_block=(header.samples, 1, *header.block),
        check_stored=partial(_check, location, files, header),
    )


def _fill(
    files: list[Path],
    header: SliceHeader,
    plain: Callable[[Path], PlainTiff | None],
    box: Box,
    out: np.ndarray,
) -> None:
    """Decode every slice of `box` (c, z, y, x) once; one that needs no decoding stays open."""
    c, z, y, x = (range(lo, hi) for lo, hi in zip(box.start, box.stop, strict=True))
    for index, number in enumerate(z):
        opened = plain(files[number])
        if opened is not None:
            opened.read_into(y, x, out[0, index])
            continue
        pixels = read_slice(files[number], header, y, x)
        out[:, index] = np.moveaxis(pixels[..., c.start : c.stop], -1, 0)


def _check(location: str, files: list[Path], header: SliceHeader) -> None:
    """Read every header and hold names, sizes and types of all slices together."""
    root = os.path.commonpath([file.parent for file in files])
    names = [str(file.relative_to(root)) for file in files]
    check_numbering(names, f"stack {location}")
    headers = zip(names, map_parallel(check_whole, files), strict=True)
    odd = [f"{name} ({other})" for name, other in headers if other != header]
    if odd:
        raise SourceError(
            f"stack {location} has slices unlike its first, {names[0]} ({header}): "
            f"{listed(odd)}; make all slices of one size and type"
        )


def _plain_slice(header: SliceHeader, path: Path) -> PlainTiff | None:
    """Open a slice that needs no decoding, if it is like the first of its stack."""
    plain = open_plain_tiff(path) if path.suffix.lower() in TIFF else None
    if plain is None or SliceHeader(plain.height, plain.width, 1, plain.dtype) != header:
        return None
    return plain


def _files(location: str) -> list[Path] | None:
    path = local_path(location)
    if path is None:
        return None
    if is_pattern(location):
        return _matching(location, path)
    if path.is_dir() and not any((path / marker).exists() for marker in ZARR_MARKERS):
        return _inside(path)
    return [path] if path.suffix.lower() in PNG + JPEG and path.exists() else None


def _matching(location: str, path: Path) -> list[Path]:
    files = [Path(name) for name in glob.glob(str(path))]  # noqa: PTH207  (Path.glob wants a folder)
    other = [file.name for file in files if not _is_image(file)]
    if other or not files:
        matched = f"{listed(other)}, no PNG, TIFF or JPEG" if other else "no file"
        raise SourceError(f"glob {location} matches {matched}; give one that matches the slices")
    return files


def _inside(folder: Path) -> list[Path]:
    files = [file for file in folder.iterdir() if _is_image(file)]
    if not files:
        raise SourceError(
            f"folder {folder} holds no PNG, TIFF or JPEG image and is no zarr; check the path"
        )
    return files


def _is_image(file: Path) -> bool:
    return file.suffix.lower() in SUFFIXES and not file.name.startswith(".") and file.is_file()
