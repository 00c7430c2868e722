"""A folder, or a glob, of 2-D images: one slice a file, z in the order of the number that counts.

Grayscale images make ``z, y, x``. Images with several samples a pixel (RGB, with or without
alpha) make ``c, z, y, x``: nothing is dropped and nothing is mixed.
"""

from __future__ import annotations

import glob
import os
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from voxlake.compute.sources.arranged_source import ArrangedSource, filled
from voxlake.compute.sources.arrangement import arrange
from voxlake.compute.sources.fingerprint import fingerprint_files
from voxlake.compute.sources.images.slice_image import (
    KINDS,
    SINGLE,
    SUFFIXES,
    TIFF,
    SliceHeader,
    check_alike,
    check_whole,
    read_header,
    read_slice,
)
from voxlake.compute.sources.images.tiff.plain_tiff import PlainTiff, open_plain_tiff
from voxlake.compute.sources.listing import listed
from voxlake.compute.sources.location import ZARR_MARKERS, is_pattern, local_path
from voxlake.compute.sources.parallel import map_parallel
from voxlake.compute.sources.tiles.numbering import (
    check_numbering,
    slice_order,
    stray_slices,
)
from voxlake.compute.sources.tiles.web_stack import open_web_stack
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxlake.compute.sources.source import Source
    from voxlake.ngff.grid.box import Box

KEPT_OPEN = 256
"""Slices that stay open: a task reads each of a layer many times, a few rows at a time."""


def open_stack(location: str) -> Source | None:
    """Open a folder or glob of images, on a web server too, or a single file that is no TIFF.

    Raises
    ------
    SourceError
        If there is no image, or the first cannot be read.
    """
    found = _files(location)
    if found is None:
        return open_web_stack(location)
    files, left_out = found
    files = _in_order(files)
    source = _stack(location, files, fingerprint_files(files, "stack"), read_header(files[0]))
    if left_out:
        return replace(source, remark=", ".join(filter(None, (source.remark, left_out))))
    return source


def _stack(
    location: str, files: list[Path], fingerprint: str, header: SliceHeader
) -> ArrangedSource:
    plain = lru_cache(maxsize=KEPT_OPEN)(partial(_plain_slice, header))
    fill = partial(_fill, files, header, plain)
    shape = (header.samples, len(files), header.height, header.width)
    return ArrangedSource(
        arrangement=arrange("czyx", shape, f"stack {location}"),
        dtype=header.dtype,
        fingerprint=fingerprint,
        read_stored=filled(fill, header.dtype),
        fill_stored=fill,
        stored_block=(header.samples, 1, *header.block),
        check_stored=partial(_check, location, files, header),
        calibration=header.calibration,
        remark=header.remark,
        described=header.channels,
        slices=partial(_names, files),
        colours=None
        if header.shows_colours
        else lambda: _stack(location, files, fingerprint, header.in_colours()),
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
    names = _names(files)
    check_numbering(names, f"stack {location}")
    check_alike(names, map_parallel(check_whole, files), header, f"stack {location}")


def _in_order(files: list[Path]) -> list[Path]:
    files = sorted(files, key=os.fspath)
    return [files[place] for place in slice_order(_names(files))]


def _names(files: list[Path]) -> list[str]:
    """Return the names of files, from the folder on that they have in common."""
    paths = [os.fspath(file) for file in files]
    root = os.path.join(os.path.commonpath([*map(os.path.dirname, paths)]), "")  # noqa: PTH118
    return [path.removeprefix(root) for path in paths]


def _plain_slice(header: SliceHeader, path: Path) -> PlainTiff | None:
    """Open a slice that needs no decoding, if it is like the first of its stack."""
    plain = open_plain_tiff(path) if path.suffix.lower() in TIFF else None
    if plain is None or SliceHeader(plain.height, plain.width, 1, plain.dtype) != header:
        return None
    return plain


def _files(location: str) -> tuple[list[Path], str] | None:
    """Return the slices, and what is said of files beside them that are none."""
    path = local_path(location)
    if path is None:
        return None
    if is_pattern(location):
        return _matching(location, path), ""
    if path.is_dir() and not any((path / marker).exists() for marker in ZARR_MARKERS):
        return _inside(path)
    return ([path], "") if path.suffix.lower() in SINGLE and path.exists() else None


def _matching(location: str, path: Path) -> list[Path]:
    # Path.glob wants a folder.
    files = [Path(name) for name in glob.glob(str(path), recursive=True)]  # noqa: PTH207
    other = [file.name for file in files if not _is_image(file.name)]
    if other or not files:
        matched = f"{listed(sorted(other))}, no {KINDS}" if other else "no file"
        raise SourceError(f"glob {location} matches {matched}; give one that matches the slices")
    return [_existing(file) for file in files]


def _inside(folder: Path) -> tuple[list[Path], str]:
    """Return the images in a folder, and what is said of the files beside them.

    There may be very many: names are texts for as long as can be.

    Raises
    ------
    SourceError
        If there is none, or something that is called a slice is none.
    """
    with os.scandir(folder) as entries:
        there = [each for each in entries if not each.name.startswith(".")]
    # What a link leads to may be gone, or the link itself.
    is_file = {
        each.name: Path(each).is_file() if each.is_symlink() else each.is_file() for each in there
    }
    images = [name for name in is_file if _is_image(name)]
    if not images:
        raise SourceError(f"folder {folder} holds no {KINDS} image and is no zarr; check the path")
    files = [folder / name for name in images]
    for file in files:
        if not is_file[file.name]:
            _existing(file)
    others = sorted(set(is_file).difference(images))
    stray = stray_slices(images, [name for name in others if is_file[name]])
    if stray:
        raise SourceError(
            f"folder {folder} has files that are called as slices are, and are no {KINDS} "
            f"image: {listed(stray)}; convert or remove them, or give a glob such as "
            f"'{folder}/*{files[0].suffix}'"
        )
    return files, f"left out: {listed(others)}" if others else ""


def _is_image(name: str) -> bool:
    return name.lower().endswith(SUFFIXES) and not name.startswith(".")


def _existing(file: Path) -> Path:
    """Return `file`; raise SourceError if no file is there: what a link leads to may be gone."""
    if not file.is_file():
        is_link = file.is_symlink() and not file.exists()
        raise SourceError(
            f"slice {file} is {'a link to nothing' if is_link else 'no file'}; restore it, or "
            "remove it from the slices"
        )
    return file
