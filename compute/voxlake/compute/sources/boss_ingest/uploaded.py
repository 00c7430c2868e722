"""Tiles and cuboids that clients of boss-ingest have uploaded, or are to: names and messages. Pure.

A client is told by messages what to upload, and under which keys. It takes the indices of a tile
from its key, and those of a chunk from the key of that; what comes before the first ``&`` it passes
over (``decode_tile_key``, ``decode_chunk_key`` of ``ingestclient/core/backend.py``). Here that is
the folder, and the number of the piece, so that what is missing is found by listing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxlake.documents.bossdb.resources import CUBOID
from voxlake.ngff.grid.box import Box, cell_box, grid_shape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.documents.bossdb.ingest import Job
    from voxlake.ngff.grid.box import Cell
    from voxlake.platform.store import StoreURL

BLOCK = 1000
"""Pieces of one folder: S3 lists as many objects by one request."""
_PLACE = "0&0&0&0"
"""Collection, experiment, channel and resolution in bossDB's keys, which the client only counts."""
_CUBOID = (1, *reversed(CUBOID))


@dataclass(frozen=True, slots=True)
class Piece:
    """A tile, or a cuboid of a chunk: one object."""

    box: Box
    """The voxels that it has room for, t, z, y, x in the coordinates of the job."""
    url: StoreURL
    index: Cell
    """Of the tile or chunk: t, z, y, x."""


@dataclass(frozen=True, slots=True)
class Uploaded:
    """All that is uploaded for a job."""

    folder: StoreURL
    number: int
    """Of the job."""
    extent: Box
    """Voxels of the job: t, z, y, x."""
    size: tuple[int, int, int]
    """Extents of a tile or chunk along z, y and x."""
    is_volumetric: bool

    @classmethod
    def of_job(cls, folder: StoreURL, number: int, job: Job) -> Uploaded:
        """Return what is uploaded for a job into a folder."""
        return cls(folder, number, job.box, job.piece, job.is_volumetric)

    def __len__(self) -> int:
        """Return how many tiles or chunks there are."""
        return self.extent.count_cells(self._step)

    @property
    def blocks(self) -> int:
        """How many folders these lie in."""
        return -(-len(self) // BLOCK)

    def block_url(self, block: int) -> StoreURL:
        """Return the folder of some tiles or chunks."""
        return self.folder / f"{block:09d}"

    def numbers(self, block: int) -> range:
        """Return the numbers of the tiles or chunks of a folder."""
        return range(block * BLOCK, min((block + 1) * BLOCK, len(self)))

    def index(self, number: int) -> Cell:
        """Return the index t, z, y, x of a tile or chunk, which counts from voxel 0 of the job."""
        inside = []
        for extent in reversed(self._grid):
            number, place = divmod(number, extent)
            inside.append(place)
        return tuple(lo + place for lo, place in zip(self._first, reversed(inside), strict=True))

    def pieces(self, number: int) -> Iterator[Piece]:
        """Yield the tile of a number, or the cuboids of the chunk of a number."""
        index = self.index(number)
        whole = cell_box(index, self._step)
        if not self.is_volumetric:
            yield Piece(whole, self._url(number, _counted(index)), index)
            return
        for cuboid in (whole & self.extent).within(whole).tiles(_CUBOID):
            start = cuboid.aligned(_CUBOID).start
            box = Box.of_shape(_CUBOID).shifted(start).shifted(whole.start)
            name = ".".join(map(str, start[1:]))
            yield Piece(box, self._url(number, name), index)

    def pieces_in(self, box: Box) -> Iterator[Piece]:
        """Yield the tiles or cuboids that touch a box of the job."""
        for index in (box & self.extent).cells(self._step):
            for piece in self.pieces(self._number(index)):
                if not (piece.box & box).is_empty:
                    yield piece

    def message(self, number: int) -> str:
        """Return what a client is told of a tile or chunk."""
        pieces = list(self.pieces(number))
        index = _counted(pieces[0].index)
        chunk = f"{number:012d}&1&{_PLACE}&{index}"
        if not self.is_volumetric:
            asked = {"job_id": self.number, "chunk_key": chunk, "tile_key": pieces[0].url.key}
            return json.dumps({**asked, "upload_queue_arn": "", "ingest_queue_arn": ""})
        whole = cell_box(pieces[0].index, self._step)
        cuboids = [_cuboid(piece, whole) for piece in pieces]
        return json.dumps({"job_id": self.number, "chunk_key": chunk, "cuboids": cuboids})

    @property
    def _step(self) -> tuple[int, ...]:
        return (1, *self.size)

    @property
    def _first(self) -> Cell:
        return tuple(lo // n for lo, n in zip(self.extent.start, self._step, strict=True))

    @property
    def _grid(self) -> tuple[int, ...]:
        return grid_shape(self.extent.aligned(self._step).shape, self._step)

    def _number(self, index: Cell) -> int:
        number = 0
        for place, lo, extent in zip(index, self._first, self._grid, strict=True):
            number = number * extent + place - lo
        return number

    def _url(self, number: int, rest: str) -> StoreURL:
        name = rest if self.is_volumetric else f"{_PLACE}&{rest}"
        return self.block_url(number // BLOCK) / f"{number:012d}&{name}"


def _counted(index: Cell) -> str:
    """Return an index as keys have it: x, y, z, t."""
    return "&".join(str(place) for place in reversed(index))


def _cuboid(piece: Piece, chunk: Box) -> dict[str, int | str]:
    _, z, y, x = piece.box.within(chunk).start
    return {"x": x, "y": y, "z": z, "key": piece.url.key}
