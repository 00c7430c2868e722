"""A grid of 2-D tiles, one a file, whose place is in the file name.

``tiles/{z}/r{y}_c{x}.png`` or ``s{z:04}_{y}-{x}.tif``: ``{y}`` and ``{x}`` count the rows and
columns of tiles, ``{z}`` the slices, ``{c}`` and ``{t}`` channels and time points. Counting may
begin anywhere. Tiles abut: those that overlap must be stitched before. All have the size of the
first, but for the last row and column, which may be smaller.

With ``?missing=fill`` after the pattern, tiles that are not there are zeros. Without it, they are
an error.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from voxlake.compute.sources.arranged_source import ArrangedSource, filled
from voxlake.compute.sources.arrangement import arrange
from voxlake.compute.sources.fingerprint import fingerprint_files
from voxlake.compute.sources.images.palette import odd_palettes
from voxlake.compute.sources.images.slice_image import (
    SUFFIXES,
    SliceHeader,
    check_whole,
    read_header,
    read_slice,
)
from voxlake.compute.sources.listing import SHOWN, listed
from voxlake.compute.sources.location import local_path
from voxlake.compute.sources.parallel import map_parallel
from voxlake.compute.sources.tiles.pattern import TilePattern, parse_pattern
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from voxlake.compute.sources.source import Source
    from voxlake.ngff.grid.box import Box

_SAMPLED = 10_000
"""Tiles whose size and time go into the fingerprint; of more, so many evenly spread ones."""
_BATCH = 10_000
"""Tiles that are checked at a time."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The numbers of the tiles that are there."""

    pattern: TilePattern
    first: tuple[int, ...]
    """The smallest number along t, c, z, y, x; 0 of what the pattern does not count."""
    counts: tuple[int, ...]
    """How many numbers there are from the smallest to the largest, along t, c, z, y, x."""
    present: np.ndarray
    """Places in C order, in a grid of `counts`, of the tiles that are there; ascending."""

    def path(self, cell: Sequence[int]) -> Path:
        """Return the file of the tile at `cell`: t, c, z, y, x, each counted from 0."""
        numbers = (n + lo for n, lo in zip(cell, self.first, strict=True))
        return self.pattern.path(dict(zip("tczyx", numbers, strict=True)))

    def has(self, cell: Sequence[int]) -> bool:
        """Return whether the tile at `cell` is there."""
        place = 0
        for index, count in zip(cell, self.counts, strict=True):
            place = place * count + index
        at = int(np.searchsorted(self.present, place))
        return at < len(self.present) and int(self.present[at]) == place

    def cell(self, place: int) -> tuple[int, ...]:
        """Return the cell at a place in C order."""
        return tuple(int(index) for index in np.unravel_index(place, self.counts))

    @property
    def absent(self) -> int:
        """How many tiles are not there."""
        return math.prod(self.counts) - len(self.present)

    def gaps(self) -> Iterator[tuple[int, ...]]:
        """Yield the cells whose tiles are not there."""
        before = np.concatenate([[-1], self.present])
        after = np.concatenate([self.present, [math.prod(self.counts)]])
        for at in np.flatnonzero(after - before > 1):
            yield from map(self.cell, range(int(before[at]) + 1, int(after[at])))


@dataclass(frozen=True, slots=True)
class Tiles:
    """Tiles side by side in every slice."""

    location: str
    grid: Grid
    header: SliceHeader
    """Of the tiles; `check` holds them to it."""
    last: tuple[int, int]
    """Height of the tiles of the last row; width of those of the last column."""
    fills_missing: bool
    """Whether tiles that are not there are zeros."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along t, c, z, y, x."""
        (t, c, z, *counts), full = self.grid.counts, (self.header.height, self.header.width)
        y, x = ((n - 1) * size + end for n, size, end in zip(counts, full, self.last, strict=True))
        return (t, c * self.header.samples, z, y, x)

    @property
    def tile(self) -> tuple[int, ...]:
        """Extents of a tile along t, c, z, y, x."""
        return (1, self.header.samples, 1, self.header.height, self.header.width)

    def fill(self, box: Box, out: np.ndarray) -> None:
        """Decode every tile that `box` touches once."""
        for part in box.tiles(self.tile):
            out[part.within(box).slices] = self._read_tile(part)

    def _read_tile(self, part: Box) -> np.ndarray:
        """Return the voxels of `part`, which lies in one tile: (t, c, z, y, x)."""
        cell = tuple(lo // n for lo, n in zip(part.start, self.tile, strict=True))
        if not self.grid.has(cell):
            if self.fills_missing:
                return np.zeros(part.shape, self.header.dtype)
            raise self._absent([cell], 1)
        inside = part.within(part.aligned(self.tile))
        _, c, _, y, x = (range(*bounds) for bounds in zip(inside.start, inside.stop, strict=True))
        pixels = read_slice(self.grid.path(cell), self.header, y, x)
        return np.moveaxis(pixels[..., c.start : c.stop], -1, 0)[np.newaxis, :, np.newaxis]

    def check(self) -> None:
        """Look for gaps, read every header, and hold sizes and types of all tiles together.

        Raises
        ------
        SourceError
            If tiles are missing and are not to be filled, or one is truncated or unlike the others.
        """
        if self.grid.absent and not self.fills_missing:
            raise self._absent(list(itertools.islice(self.grid.gaps(), SHOWN)), self.grid.absent)
        for places in itertools.batched(self.grid.present.tolist(), _BATCH):
            odd = [text for text in map_parallel(self._odd, places) if text]
            if odd:
                raise SourceError(
                    f"tile grid {self.location} has tiles unlike its first ({self.header}): "
                    f"{listed(odd)}; make all of one size and type, but for the last row and column"
                )

    def _odd(self, place: int) -> str:
        """Return what is wrong with the size or type of a tile; empty if nothing is."""
        cell = self.grid.cell(place)
        path = self.grid.path(cell)
        header = check_whole(path)
        if self.header.shows_colours:
            header = header.in_colours()
        elif odd_palettes([self.header.palette, header.palette]):
            return f"{path} (another palette)"
        return "" if header == self._expected(cell) else f"{path} ({header})"

    def _expected(self, cell: tuple[int, ...]) -> SliceHeader:
        full, (last_row, last_column) = self.header, (n - 1 for n in self.grid.counts[3:])
        height = self.last[0] if cell[3] == last_row else full.height
        width = self.last[1] if cell[4] == last_column else full.width
        return SliceHeader(height, width, full.samples, full.dtype)

    def _absent(self, cells: list[tuple[int, ...]], count: int) -> SourceError:
        names = [self.grid.path(cell) for cell in cells]
        return SourceError(
            f"tile grid {self.location} lacks tiles: {listed(names, count)}; restore them, or "
            "append ?missing=fill to the location to take them for zeros"
        )


def open_tile_grid(location: str) -> Source | None:
    """Open a grid of image tiles by a pattern of their names.

    Raises
    ------
    SourceError
        If the pattern or an option is malformed, no file is there, or the first cannot be read.
    """
    text, _, query = location.partition("?")
    pattern = None if local_path(location) is None else parse_pattern(text)
    if pattern is None:
        return None
    if not text.lower().endswith(SUFFIXES):
        raise SourceError(f"tile grid {text} names no {', '.join(SUFFIXES)} files; check it")
    fills_missing = _fills_missing(location, query)
    grid = _find(pattern)
    return _source(location, grid, fills_missing=fills_missing, colours=False)


def _source(location: str, grid: Grid, *, fills_missing: bool, colours: bool) -> ArrangedSource:
    header, last = _headers(grid, location)
    if colours:
        header = header.in_colours()
    if header.samples > 1 and grid.counts[1] > 1:
        raise SourceError(
            f"tile grid {location} has channels both in its names and in its pixels ({header}); "
            "split the samples into files of their own"
        )
    sampled = grid.present[:: -(-len(grid.present) // _SAMPLED)]
    fingerprint = fingerprint_files(
        [grid.path(grid.cell(place)) for place in sampled.tolist()],
        "tile-grid",
        repr((grid.pattern.text, grid.first, grid.counts, "fill" if fills_missing else "refuse")),
        grid.present.tobytes().hex() if grid.absent else "",
    )
    tiles = Tiles(location, grid, header, last, fills_missing=fills_missing)
    return ArrangedSource(
        arrangement=arrange("tczyx", tiles.shape, f"tile grid {location}"),
        dtype=header.dtype,
        fingerprint=fingerprint,
        read_stored=filled(tiles.fill, header.dtype),
        fill_stored=tiles.fill,
        stored_block=tiles.tile,
        check_stored=tiles.check,
        calibration=header.calibration,
        remark=header.remark,
        described=header.channels,
        colours=None
        if colours
        else partial(_source, location, grid, fills_missing=fills_missing, colours=True),
    )


def _fills_missing(location: str, query: str) -> bool:
    if query not in {"", "missing=refuse", "missing=fill"}:
        raise SourceError(
            f"tile grid {location} has options of no meaning; the one there is: ?missing=fill"
        )
    return query == "missing=fill"


def _find(pattern: TilePattern) -> Grid:
    pattern, numbers = pattern.listed()
    lo, hi = numbers.min(axis=0), numbers.max(axis=0)
    first = dict(zip(pattern.axes, lo.tolist(), strict=True))
    counts = dict(zip(pattern.axes, (hi - lo + 1).tolist(), strict=True))
    size = math.prod(counts.values())
    if size >= 2**62:
        raise SourceError(
            f"tile grid {pattern.text} would be of {size} tiles; "
            "fields must count tiles, not voxels"
        )
    present = np.ravel_multi_index(tuple((numbers - lo).T), tuple(counts.values()))
    return Grid(
        pattern,
        tuple(first.get(axis, 0) for axis in "tczyx"),
        tuple(counts.get(axis, 1) for axis in "tczyx"),
        np.sort(present),
    )


def _headers(grid: Grid, location: str) -> tuple[SliceHeader, tuple[int, int]]:
    """Return the header of a full tile, and the height and width of the last row and column."""
    row, column = np.unravel_index(grid.present, grid.counts)[3:]
    ends = ((row, 0), (column, 0), (row, grid.counts[3] - 1), (column, grid.counts[4] - 1))
    places = [int(grid.present[np.argmax(along == at)]) for along, at in ends]
    tall, wide, low, narrow = (read_header(grid.path(grid.cell(place))) for place in places)
    full = replace(tall, width=wide.width)
    last = (low.height, narrow.width)
    if last[0] > full.height or last[1] > full.width:
        raise SourceError(
            f"tile grid {location} has {last[0]} x {last[1]} voxels in its last row and column, "
            f"more than {full.height} x {full.width} before them; check the tiles"
        )
    return full, last
