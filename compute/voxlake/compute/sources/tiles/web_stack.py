"""A folder of 2-D images on a web server that lists its folders as HTML.

``https://host/slices/``, or ``https://host/slices/em_*.tif``. Slices are fetched whole: each once
to be checked, and then whenever it is decoded. The fingerprint covers their names, what the server
says of them, and the first of them: others that are rewritten, unseen by it, do not change it.
"""

from __future__ import annotations

import fnmatch
import hashlib
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from voxlake.compute.sources.arranged_source import ArrangedSource, filled
from voxlake.compute.sources.arrangement import arrange
from voxlake.compute.sources.arrays.foreign_store import foreign_store, read_key
from voxlake.compute.sources.fingerprint import fingerprint_text
from voxlake.compute.sources.images.slice_image import (
    KINDS,
    SUFFIXES,
    check_alike,
    check_whole,
    read_header,
    read_slice,
)
from voxlake.compute.sources.listing import listed
from voxlake.compute.sources.location import ZARR_MARKERS
from voxlake.compute.sources.parallel import map_parallel
from voxlake.compute.sources.tiles.numbering import check_numbering, slice_order, stray_slices
from voxlake.compute.sources.tiles.web_listing import parse_listing
from voxlake.platform.errors import InvalidInputError, SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from voxlake.compute.sources.images.slice_image import SliceHeader
    from voxlake.compute.sources.source import Source
    from voxlake.ngff.grid.box import Box

_SCHEMES = ("http://", "https://")


@dataclass(frozen=True, slots=True)
class WebSlices:
    """The slices of a folder, in their order."""

    address: str
    """Of the folder; ends with ``/``."""
    names: tuple[str, ...]
    read: Callable[[str], bytes | None]
    """Returns what lies in the folder under a name; None if nothing does."""

    @contextmanager
    def fetched(self, name: str) -> Iterator[Path]:
        """Have a slice in a temporary file; errors about that are about its address."""
        body = self.read(name)
        if body is None:
            raise SourceError(f"slice {self.address}{name} is listed, and not there; restore it")
        with tempfile.NamedTemporaryFile(suffix=PurePosixPath(name).suffix) as file:
            file.write(body)
            file.flush()
            try:
                yield Path(file.name)
            except InvalidInputError as error:
                words = str(error).replace(file.name, f"{self.address}{name}")
                raise type(error)(words) from error

    def header(self, name: str) -> SliceHeader:
        """Return the header of a slice that is whole."""
        with self.fetched(name) as path:
            return check_whole(path)

    def check(self, first: SliceHeader) -> None:
        """Fetch all slices, and hold names, sizes and types together."""
        what = f"stack {self.address}"
        check_numbering(self.names, what)
        check_alike(self.names, map_parallel(self.header, self.names), first, what)

    def fill(self, header: SliceHeader, box: Box, out: np.ndarray) -> None:
        """Fetch and decode every slice of `box` (c, z, y, x) once."""
        c, z, y, x = (range(lo, hi) for lo, hi in zip(box.start, box.stop, strict=True))
        for index, number in enumerate(z):
            with self.fetched(self.names[number]) as path:
                pixels = read_slice(path, header, y, x)
            out[:, index] = np.moveaxis(pixels[..., c.start : c.stop], -1, 0)


def open_web_stack(location: str) -> Source | None:
    """Open a folder of images that a web server lists; None if it lists none.

    Raises
    ------
    SourceError
        If the slices that it lists cannot be read, or are none.
    """
    folder, slash, last = location.rpartition("/")
    address = f"{folder}/" if "*" in last else f"{location.rstrip('/')}/"
    if not location.startswith(_SCHEMES) or not slash or {"?", "#"} & set(location):
        return None
    store = foreign_store(address)
    if store is None:
        return None
    read = partial(read_key, store)
    rows = _listed(read, address)
    if rows is None:
        return None
    names = _chosen(rows, address, last if "*" in last else "*")
    slices = WebSlices(address, tuple(names), read)
    with slices.fetched(names[0]) as path:
        header = read_header(path)
        first = hashlib.blake2b(path.read_bytes()).hexdigest()
    words = [f"{name} {rows[name]}" for name in names]
    return _source(slices, header, fingerprint_text("web-stack", first, *words), colours=False)


def _source(
    slices: WebSlices, header: SliceHeader, fingerprint: str, *, colours: bool
) -> ArrangedSource:
    shown = header.in_colours() if colours else header
    fill = partial(slices.fill, shown)
    shape = (shown.samples, len(slices.names), shown.height, shown.width)
    return ArrangedSource(
        arrangement=arrange("czyx", shape, f"stack {slices.address}"),
        dtype=shown.dtype,
        fingerprint=fingerprint,
        read_stored=filled(fill, shown.dtype),
        fill_stored=fill,
        stored_block=(shown.samples, 1, shown.height, shown.width),
        check_stored=partial(slices.check, shown),
        calibration=shown.calibration,
        remark=shown.remark,
        described=shown.channels,
        slices=lambda: slices.names,
        colours=None if colours else partial(_source, slices, header, fingerprint, colours=True),
    )


def _listed(read: Callable[[str], bytes | None], address: str) -> dict[str, str] | None:
    """Return the names in the folder, with what is said of each; None if it is none of slices."""
    try:
        body = read("")
    except SourceError:  # whatever else lies there may be read without a list
        return None
    if body is None or not body.lstrip().startswith(b"<"):
        return None
    rows = parse_listing(body.decode("utf-8", "replace"), address)
    is_zarr = any(marker in rows for marker in ZARR_MARKERS)
    return None if is_zarr or not any(map(_is_image, rows)) else rows


def _chosen(rows: dict[str, str], address: str, pattern: str) -> list[str]:
    """Return the names of the slices, in their order."""
    matching = sorted(name for name in rows if fnmatch.fnmatchcase(name, pattern))
    names = [name for name in matching if _is_image(name)]
    strays = stray_slices(names, matching)
    if strays or not names:
        what = f"{listed(strays)}, called as slices are, and no" if strays else "no"
        raise SourceError(
            f"{address} has {what} {KINDS} image; give a pattern that matches the slices alone, "
            f"such as {address}*.png"
        )
    return [names[place] for place in slice_order(names)]


def _is_image(name: str) -> bool:
    return name.lower().endswith(SUFFIXES) and not name.startswith(".")
