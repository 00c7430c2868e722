"""Pieces: what a box and a chunk have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from voxlake.ngff.grid.box import Box, Cell
    from voxlake.ngff.shards.format import ShardFormat

    type Numbers = npt.NDArray[np.int64]


class Pieces(NamedTuple):
    """The voxels of some chunks of a shard that lie in a box, piece by piece."""

    chunks: Numbers
    """(n,) numbers of the chunks, in C order of the shard's grid."""
    inside: Numbers
    """(n,) byte of the chunk at which the piece begins."""
    places: Numbers
    """(n,) byte of the box at which it begins."""
    extents: Numbers
    """(n, 3) voxels along z and y, and bytes along x."""

    def where(self, wanted: npt.NDArray[np.bool_]) -> Pieces:
        """Return some of the pieces."""
        return Pieces(*(each[wanted] for each in self))


def pieces_of(coding: ShardFormat, cell: Cell, box: Box) -> Pieces:
    """Return the pieces of `box` in the shard at `cell` of the write grid, in C order."""
    # Imports the compiler, which nobody needs who moves no voxels.
    from voxlake.ngff.reading.kernel import find_pieces

    begin = np.array(cell) * coding.shard
    within = np.array((box.start, box.stop)) - begin
    shapes = np.array(coding.grid), np.array(coding.chunk)
    return Pieces(*find_pieces(*shapes, within, coding.dtype.itemsize))
