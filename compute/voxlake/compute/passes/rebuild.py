"""Rebuild the levels under boxes of level 0 that have changed, and nothing else.

Voxel for voxel what building all levels anew would give: each level is made from the one below it,
under the boxes, and written into what is there.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from voxlake.compute.opened import opened_volume
from voxlake.compute.passes.downsample import Step, downsample_bytes, downsample_step
from voxlake.compute.plan import Plan, Result, fingerprint
from voxlake.ngff.grid.box import Box, Cell, cell_box
from voxlake.ngff.grid.pyramid import coarser_box
from voxlake.ngff.shards.format import find_shard_format
from voxlake.ngff.shards.splice import Change, splice_shard
from voxlake.ngff.shards.storing import look_at_shard
from voxlake.platform.errors import ConflictError, PreconditionFailedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxlake.ngff.dataset import Dataset
    from voxlake.ngff.volume import Volume


TRIES = 10
"""How often a shard is made anew because others write to it, or to what lies below it."""


@dataclass(frozen=True, slots=True)
class RebuildTask:
    """Make the voxels of a few boxes within one shard of a level."""

    step: Step
    boxes: tuple[Box, ...]

    def __call__(self) -> Result:
        """Write the boxes; doing it again writes the same voxels.

        What lies below may be written to meanwhile, and this shard made of it by another job: what
        was read before that must not be what stays. Who writes all the time leaves marks, so it is
        not waited for.

        Raises
        ------
        ConflictError
            If others write to the shard faster than it can be made.
        """
        volume, stored = opened_volume(self.step.coarser), False
        boxes = _joined(self.boxes, volume.chunk)
        for _ in range(TRIES):
            made_of = self.step.look(boxes)
            stored = self._store(volume, boxes)
            if stored and made_of == self.step.look(boxes):
                break
        if not stored:
            raise ConflictError(
                f"others wrote to {self.step.coarser} {TRIES} times while {self.boxes[0]} "
                "was made; try again"
            )
        return Result(voxels=sum(box.size for box in self.boxes))

    def _store(self, volume: Volume, boxes: Sequence[Box]) -> bool:
        """Make the boxes and store them, unless others write to the shard meanwhile."""
        if find_shard_format(volume) is None:
            for box in boxes:
                volume.write(box, self.step.read(box)).result()
            return True
        cell = next(boxes[0].cells(volume.shard))
        known = look_at_shard(volume, cell)
        changes = [Change(box, self.step.read(box)) for box in boxes]
        try:
            splice_shard(volume, cell, changes, known=known)
        except PreconditionFailedError:
            return False
        return True


def _joined(boxes: Sequence[Box], chunk: tuple[int, ...]) -> list[Box]:
    """Return boxes that hold all others, no two in one chunk: a chunk is coded as a whole."""
    largest = max(boxes, key=lambda box: box.size)
    if all(largest.contains(box) for box in boxes):
        return [largest]
    parts: dict[Cell, Box] = {}
    for box in boxes:
        for cell in box.cells(chunk):
            part = cell_box(cell, chunk) & box
            parts[cell] = parts[cell] | part if cell in parts else part
    return [parts[cell] for cell in sorted(parts)]


def plan_rebuild(dataset: Dataset, boxes: Sequence[Box]) -> list[Plan]:
    """Plan one stage for each level above 0: the shards of it that lie over `boxes` of level 0."""
    plans = []
    for level in range(1, dataset.levels):
        step, volume = downsample_step(dataset, level), dataset.level(level)
        boxes = [coarser_box(box, step.factors) & volume.box for box in boxes]
        tasks = _by_shard(boxes, volume.shard)
        plans.append(
            Plan(
                f"rebuild-{level}",
                (len(tasks),),
                partial(_task, step, tasks),
                fingerprint(step.factors, step.reduction, volume.url, volume.metadata, tasks),
                downsample_bytes(dataset, level),
                sum(box.size for part in tasks for box in part),
            )
        )
    return plans


def _task(step: Step, tasks: Sequence[tuple[Box, ...]], cell: Cell) -> RebuildTask:
    return RebuildTask(step, tasks[cell[0]])


def _by_shard(boxes: Sequence[Box], shard: tuple[int, ...]) -> list[tuple[Box, ...]]:
    """Return the boxes cut at shards: one group for each shard that is touched."""
    parts: dict[Cell, set[Box]] = defaultdict(set)
    for box in boxes:
        for cell in box.cells(shard):
            parts[cell].add(cell_box(cell, shard) & box)
    return [tuple(sorted(parts[cell])) for cell in sorted(parts)]
