"""The reading of a box: its voxels, and what is put in without decoding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.ngff.grid.box import cell_box
from voxlake.ngff.reading.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from voxlake.ngff.grid.box import Box, Cell
    from voxlake.ngff.reading.decoded import DecodedChunk
    from voxlake.ngff.reading.pieces import Numbers, Pieces
    from voxlake.ngff.shards.format import ShardFormat

type Voxels = npt.NDArray[Any]


class BoxReading(Reading[Voxels]):
    """The voxels of a box, to come."""

    def __init__(self, box: Box, coding: ShardFormat) -> None:
        self.box, self.coding = box, coding
        self.out = np.empty(box.shape, coding.dtype)
        self.lacks_shards = False
        """Whether a shard is not stored, so that its voxels were taken for fill."""
        self.states = set[str]()
        """ETags of the objects that it is read from; an empty one of a shard that is not stored."""
        super().__init__(self.out)
        self.address = self.out.ctypes.data
        """Of its memory."""
        self.steps = self._steps()
        """Bytes between neighbours along z and y: of a chunk, and of the box."""

    def put_fill(self, cell: Cell) -> None:
        """Put fill where a shard would be that is not stored."""
        self.lacks_shards = True
        self.states.add("")
        part = cell_box(cell, self.coding.shard) & self.box
        self.out[part.within(self.box).slices] = self.coding.fill

    def put(self, chunks: Sequence[DecodedChunk], pieces: Pieces) -> None:
        """Put in pieces of decoded chunks."""
        # Imports the compiler, which nobody needs who moves no voxels.
        from voxlake.ngff.reading.kernel import put_pieces

        begin = np.array([chunk.address for chunk in chunks]) + pieces.inside
        put_pieces(begin, pieces.places + self.address, pieces.extents, self.steps)

    def _steps(self) -> Numbers:
        (_, y, x), (height, width) = self.coding.chunk[-3:], self.box.shape[-2:]
        return np.array([y * x, x, height * width, width]) * self.coding.dtype.itemsize
