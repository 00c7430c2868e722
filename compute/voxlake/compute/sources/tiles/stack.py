"""A folder, or a glob, of 2-D images: one slice a file, z in the natural order of the names.

Grayscale images make ``z, y, x``. Images with several samples a pixel (RGB, with or without
alpha) make ``c, z, y, x``: nothing is dropped and nothing is mixed.
"""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

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
from voxlake.compute.sources.location import is_pattern, local_path
from voxlake.compute.sources.parallel import map_parallel
from voxlake.compute.sources.source import check_inside
from voxlake.compute.sources.tiles.numbering import check_numbering, listed, natural_key
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxlake.compute.sources.source import Source
    from voxlake.ngff.grid.box import Box

KEPT_OPEN = 256
"""Slices that stay open: a task reads each of a layer many times, a few rows at a time."""

ZARR_MARKERS = ("zarr.json", ".zarray", ".zgroup")


@dataclass(frozen=True, slots=True)
class StackSource:
    """Slices of one size and type."""

    location: str
    files: tuple[Path, ...]
    """In the order of z."""
    header: SliceHeader
    """Of the first slice; `check` holds the others to it."""
    fingerprint: str
    plain: Callable[[Path], PlainTiff | None] = field(repr=False, compare=False)
    """Returns a slice that needs no decoding, kept open; None of others."""
    voxel_size: None = None
    """Such images tell no z spacing."""

    @property
    def dtype(self) -> np.dtype:
        """Type of the voxels."""
        return self.header.dtype

    @property
    def axes(self) -> tuple[str, ...]:
        """Channels only of images with several samples a pixel."""
        return ("c", "z", "y", "x") if self.header.samples > 1 else ("z", "y", "x")

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along each axis."""
        zyx = (len(self.files), self.header.height, self.header.width)
        return (self.header.samples, *zyx) if self.header.samples > 1 else zyx

    @property
    def block(self) -> tuple[int, ...]:
        """A strip, a tile, or a whole slice; all samples of a pixel."""
        zyx = (1, *self.header.block)
        return (self.header.samples, *zyx) if self.header.samples > 1 else zyx

    def read(self, box: Box) -> np.ndarray:
        """Decode every slice of `box` once."""
        out = np.empty(box.shape, self.dtype)
        self.read_into(box, out)
        return out

    def read_into(self, box: Box, out: np.ndarray) -> None:
        """Decode every slice of `box` once, into `out`."""
        check_inside(box, self)
        if box.is_empty:
            return
        stacked = out if box.ndim == 4 else out[np.newaxis]
        channels = slice(box.start[0], box.stop[0]) if box.ndim == 4 else slice(0, 1)
        z, y, x = (range(lo, hi) for lo, hi in zip(box.start[-3:], box.stop[-3:], strict=True))
        for index, number in enumerate(z):
            path = self.files[number]
            plain = self.plain(path)
            if plain is not None:
                plain.read_into(y, x, stacked[0, index])
                continue
            pixels = read_slice(path, self.header, y, x)
            stacked[:, index] = np.moveaxis(pixels[..., channels], -1, 0)

    def check(self) -> None:
        """Read every header and hold names, sizes and types of all slices together."""
        root = os.path.commonpath([file.parent for file in self.files])
        names = [str(file.relative_to(root)) for file in self.files]
        check_numbering(names, f"stack {self.location}")
        headers = map_parallel(check_whole, self.files)
        odd = [
            f"{name} ({header})"
            for name, header in zip(names, headers, strict=True)
            if header != self.header
        ]
        if odd:
            raise SourceError(
                f"stack {self.location} has slices unlike its first, {names[0]} ({self.header}): "
                f"{listed(odd)}; make all slices of one size and type"
            )


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
    return StackSource(location, tuple(files), header, fingerprint_files(files, "stack"), plain)


def _plain_slice(header: SliceHeader, path: Path) -> PlainTiff | None:
    """Open a slice that needs no decoding, if it is like the first of its stack."""
    found = open_plain_tiff(path) if path.suffix.lower() in TIFF else None
    if found is None or (found.height, found.width, found.dtype) != (
        header.height,
        header.width,
        header.dtype,
    ):
        return None
    return found if header.samples == 1 else None


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
        found = f"{listed(other)}, no PNG, TIFF or JPEG" if other else "no file"
        raise SourceError(f"glob {location} matches {found}; give one that matches the slices")
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
