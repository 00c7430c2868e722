"""The view: one state of index and mapping, which answers every question about labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from voxlake.ngff.labels.label_id import check_label
from voxlake.ngff.labels.mapping.mapping import remap
from voxlake.ngff.labels.queries.dvid import encode_blocks
from voxlake.ngff.labels.queries.extent import (
    body_extent,
    chunks_of,
    label_extent,
    list_labels,
    list_page,
)
from voxlake.ngff.labels.queries.points import point_of, points_of
from voxlake.ngff.labels.queries.sparse_volume import (
    MAX_RUNS,
    Runs,
    coarse_volume,
    sparse_volume,
)
from voxlake.ngff.labels.queries.voxels import MAX_VOXELS, mask_of
from voxlake.ngff.labels.state import IndexState, answered

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy.typing as npt

    from voxlake.ngff.grid.box import Box
    from voxlake.ngff.labels.handle import Labels
    from voxlake.ngff.labels.table import LabelExtent, LabelTable


@dataclass(frozen=True, slots=True)
class View:
    """Labels as of one moment: `Labels.view` makes it, and it may be held and asked many times.

    A shard is told of as it was when the view was made, or later if it had a mark then; what is
    written, compacted or audited afterwards is not seen. Make a new one as often as news matter:
    once for a request, a table, some seconds. Voxels themselves (runs, masks, points) are read as
    they are, in the shards where the view has the label.

    All methods take a label from 1 to 2^64 - 1, or with a mapping a body, and raise

    * InvalidInputError, if no voxel can have it;
    * NotFoundError, if none has it, or if it is no body (tables and sparse volumes leave it out);
    * OutOfBoundsError, if a box is not inside the volume;
    * OutdatedError, if the view is so old that its segments were swept, or if voxels that are
      asked for were written since;
    * CorruptDataError and StoreError, if what is needed does not decode, or the store fails.
    """

    labels: Labels
    state: IndexState
    """Says whether answers are the latest, and else as of when."""

    def extent(self, label: int, *, counted: bool = True) -> LabelExtent:
        """Return voxels, tight box, chunks and shards of a label: mostly one range of bytes.

        Without `counted`, the last two are `UNKNOWN` of a body of several supervoxels: they are
        what takes long there.
        """
        if self.labels.mapping is None:
            check_label(label)
            return answered(self.state, label_extent, label)
        return answered(self.state, body_extent, self.labels.one(label), counted)

    def chunks(self, label: int) -> npt.NDArray[np.int64]:
        """Return the cells (n, 3) of the chunk grid that hold a label, in C order.

        Cell (k, j, i) is the chunk that begins at voxel (k, j, i) times `Volume.chunk`.
        """
        return answered(self.state, chunks_of, self.labels.one(label))

    def find(self, labels: Iterable[int] | npt.NDArray[np.uint64]) -> LabelTable:
        """Return those of `labels` that some voxel has, ascending, in one pass over the index.

        Chunks and shards of bodies of several supervoxels are not counted.
        """
        table = answered(self.state, list_labels, self.labels.members(labels))
        return table if self.labels.mapping is None else remap(self.labels.mapping, table)

    def all(self) -> LabelTable:
        """Return every label, ascending; as `find`."""
        table = answered(self.state, list_labels, None)
        return table if self.labels.mapping is None else remap(self.labels.mapping, table)

    def page(self, after: int, most: int) -> LabelTable:
        """Return the first `most` labels above `after`, ascending; as `find`.

        Reads no more of the index than the page needs, but of bodies, which are in no order there.
        """
        if self.labels.mapping is None:
            return answered(self.state, list_page, after, most)
        bodies = self.all()
        first = int(np.searchsorted(bodies.labels, np.uint64(after), "right"))
        return bodies.take(np.arange(first, min(first + most, len(bodies))))

    def largest(self, count: int) -> LabelTable:
        """Return the `count` labels of most voxels, most first; the smaller id of equals."""
        return self.all().largest(count)

    def point(self, label: int) -> tuple[int, int, int]:
        """Return a voxel z, y, x of a label, always the same one of the same voxels.

        Reads one chunk, the middle one; it is the voxel there that is nearest to the centroid.
        """
        return answered(self.state, point_of, self.labels.one(label))

    def points(self, label: int, count: int, seed: int = 0) -> npt.NDArray[np.int64]:
        """Return (count, 3) voxels z, y, x of a label, each drawn uniformly from all of them."""
        return answered(self.state, points_of, self.labels.one(label), count, seed)

    def sparse_volume(
        self, label: int, box: Box | None = None, *, max_runs: int = MAX_RUNS
    ) -> Iterator[Runs]:
        """Yield the voxels of a label, in `box` or everywhere, as runs along x.

        They come by rows of shards, so that they need not fit in memory. More than `max_runs` raise
        LimitExceededError while they are taken.
        """
        return answered(self.state, sparse_volume, self.labels.one(label), box, max_runs)

    def coarse_volume(self, label: int, box: Box | None = None) -> Runs:
        """Return the chunks that hold a label, of those that `box` touches, as runs along x."""
        return answered(self.state, coarse_volume, self.labels.one(label), box)

    def blocks(self, label: int, box: Box | None = None) -> Iterator[bytes]:
        """Yield the bits of the chunks that hold a label, as DVID's ``blocks``."""
        return answered(self.state, encode_blocks, self.labels.one(label), box)

    def mask(self, label: int, box: Box, *, max_voxels: int = MAX_VOXELS) -> npt.NDArray[np.bool_]:
        """Return which voxels of `box` have a label: (z, y, x), a byte each.

        ``.view(numpy.uint8)`` makes it 0 and 1 without a copy. A box of more than `max_voxels`
        raises LimitExceededError.
        """
        return answered(self.state, mask_of, self.labels.one(label), box, max_voxels)
