"""Which shards a segment must not tell of, and which of its boxes may have something in them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from voxlake.ngff.labels.segments.boxes_reader import FileBoxes, file_boxes
from voxlake.ngff.labels.state import segments_in_force
from voxlake.ngff.memory.cache import Cached

if TYPE_CHECKING:
    import numpy.typing as npt

    from voxlake.ngff.grid.box import Box
    from voxlake.ngff.labels.segments.manifest import Segment
    from voxlake.ngff.labels.state import IndexState


@dataclass(frozen=True, slots=True, eq=False)
class Hidden:
    """Shards that a newer segment covers, or that are asked themselves."""

    shards: npt.NDArray[np.uint64]
    """(n,) their C-order numbers, ascending."""
    origin: tuple[int, ...]
    """First voxel of the smallest box of whole shards around them."""
    shard: tuple[int, ...]
    """Voxels of a shard."""
    counts: npt.NDArray[np.int32]
    """Of the grid of shards of that box, how many are hidden before each of its corners."""

    def touches(self, box: Box) -> bool:
        """Return whether some voxel of the box is in one of the shards."""
        if not len(self.shards):
            return False
        # For one box NumPy would take ten times as long.
        axes = zip(box.start, box.stop, self.origin, self.shard, self.counts.shape, strict=True)
        z, y, x = (
            (
                min(max(-((first - stop) // step), 0), n - 1),
                min(max((start - first) // step, 0), n - 1),
            )
            for start, stop, first, step, n in axes
        )
        counts = self.counts.data
        return (
            counts[z[0], y[0], x[0]]
            - counts[z[0], y[0], x[1]]
            - counts[z[0], y[1], x[0]]
            + counts[z[0], y[1], x[1]]
            - counts[z[1], y[0], x[0]]
            + counts[z[1], y[0], x[1]]
            + counts[z[1], y[1], x[0]]
            - counts[z[1], y[1], x[1]]
        ) > 0

    def touch(
        self, start: npt.NDArray[np.int64], stop: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.bool_]:
        """Return of each box ``[start, stop)``, (m, 3) each, whether it touches the shards."""
        if not len(self.shards):
            return np.zeros(len(start), np.bool_)
        room = np.array(self.counts.shape) - 1
        low = np.clip((start - self.origin) // self.shard, 0, room)
        high = np.clip(-((self.origin - stop) // self.shard), 0, room)
        steps = np.array([self.counts.shape[1] * self.counts.shape[2], self.counts.shape[2], 1])
        corners = ((high * steps).T, (low * steps).T)
        counts, inside = self.counts.ravel(), np.zeros(len(start), np.int32)
        # How many shards are in each box, by inclusion and exclusion (a summed-volume table).
        for i, j, k in np.ndindex(2, 2, 2):
            found = counts[corners[i][0] + corners[j][1] + corners[k][2]]
            inside = inside - found if (i + j + k) % 2 else inside + found
        return inside > 0


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """The files of a segment in force, and what they must not tell of."""

    hidden: Hidden
    boxes: tuple[FileBoxes, ...]
    """Of each file, by ascending label."""
    first: tuple[int, ...]
    """The smallest label of each file."""
    last: tuple[int, ...]
    """The largest label of each file."""

    def boxes_of(self, label: int) -> tuple[FileBoxes, ...]:
        """Return the boxes of the files that may have rows of a label."""
        return self.boxes[bisect_left(self.last, label) : bisect_right(self.first, label)]


_layers = Cached[tuple[Layer, ...]]("layers of the label index")


def layers_of(state: IndexState) -> tuple[Layer, ...]:
    """Return the segments in force, newest first, each with the shards that it must not tell of."""
    kept = state.memory.get("layers")
    if kept is None:
        kept = state.memory["layers"] = _shared_layers(state)
    return kept


def _shared_layers(state: IndexState) -> tuple[Layer, ...]:
    """Return the layers of the state, from another of the same if there was one."""
    if state.manifest is None:
        return ()
    geometry = state.manifest.geometry
    covers = tuple(segment.cover for segment in state.manifest.segments)
    return _layers.get(
        (state.index_url, covers, state.dirty, geometry.shape, geometry.shard),
        lambda: tuple(
            _layer(state, segment, shards) for segment, shards in segments_in_force(state)
        ),
        lambda made: sum(one.hidden.shards.nbytes + one.hidden.counts.nbytes for one in made),
    )


def _layer(state: IndexState, segment: Segment, shards: npt.NDArray[np.uint64]) -> Layer:
    hidden = hide(shards, state.volume.grid, state.volume.shard)
    boxes = tuple(file_boxes(state.index_url, file) for file in segment.files)
    first = tuple(file.first for file in segment.files)
    return Layer(hidden, boxes, first, tuple(file.last for file in segment.files))


def hide(shards: npt.NDArray[np.uint64], grid: tuple[int, ...], shard: tuple[int, ...]) -> Hidden:
    """Return hidden shards, given their numbers, ascending, in a write grid."""
    cells = np.stack(np.unravel_index(shards.astype(np.intp), grid), axis=-1)
    if not len(cells):
        return Hidden(shards, (0, 0, 0), shard, np.zeros((1, 1, 1), np.int32))
    first = cells.min(axis=0)
    counts = np.zeros(cells.max(axis=0) - first + 2, np.int32)
    counts[tuple((cells - first + 1).T)] = 1
    origin = tuple((first * shard).tolist())
    for axis in range(3):
        counts = np.cumsum(counts, axis, np.int32)
    return Hidden(shards, origin, shard, counts)
