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

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxlake.ngff.dataset import Dataset


@dataclass(frozen=True, slots=True)
class RebuildTask:
    """Make the voxels of a few boxes within one shard of a level."""

    step: Step
    boxes: tuple[Box, ...]

    def __call__(self) -> Result:
        """Write the boxes; doing it again writes the same voxels."""
        volume = opened_volume(self.step.coarser)
        for box in self.boxes:
            made_of: tuple[str, ...] | None = None
            # What lies below may be written to meanwhile, and its levels made by another job: what
            # was read before that must not be what stays.
            while made_of != (made_of := self.step.look(box)):
                volume.write(box, self.step.read(box)).result()
        return Result(voxels=sum(box.size for box in self.boxes))


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
