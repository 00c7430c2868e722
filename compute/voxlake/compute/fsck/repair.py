"""Repair: rebuild what can be rebuilt, from below upwards, and leave all else as it is.

A shard over one that is lost is the last trace of it, and is never overwritten.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from voxlake.compute.fsck.finding import Check, Finding
from voxlake.compute.fsck.mending import (
    ListLabelsTask,
    MarkedTask,
    RebuildTask,
    SweepTask,
    TrimTask,
)
from voxlake.compute.fsck.plans import FsckTarget, list_plan
from voxlake.compute.index.shards import IndexTask, index_bytes
from voxlake.compute.passes.downsample import downsample_bytes, downsample_step
from voxlake.compute.passes.ingest import IngestTask, shard_bytes
from voxlake.ngff.dataset import Dataset, open_dataset
from voxlake.ngff.grid.pyramid import coarser_box
from voxlake.ngff.metadata.reading import is_ours
from voxlake.platform.errors import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from voxlake.compute.passes.ingest import SourceAddress
    from voxlake.compute.plan import Plan, Task
    from voxlake.ngff.grid.box import Cell
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL

_SHARD = {Check.DAMAGED_SHARD, Check.MISSING_SHARD, Check.STALE_SHARD, Check.TORN_TAIL}
_SIDECAR = {Check.MISSING_SIDECAR, Check.STALE_SIDECAR, Check.DAMAGED_SIDECAR}


@dataclass(slots=True)
class _Cells:
    """Shards of one level, in the order in which they were found."""

    rebuilt: dict[Cell, str | None] = field(default_factory=dict)
    """Written anew, with other voxels; of level 0 with the state that they were seen in."""
    trimmed: dict[Cell, None] = field(default_factory=dict)
    """Written anew, with the same voxels."""
    lost: set[Cell] = field(default_factory=set)
    """Not to be touched: nothing is left to make them of, or of what lies below them."""


def plan_repair(
    target: FsckTarget, findings: Iterable[Finding], source: SourceAddress | None = None
) -> list[Plan]:
    """Return the plans that mend what of the `findings` can be mended.

    First the list of labels and leftovers, then level 0 from its source, then each level from the
    one below, with all that lies over a shard which is made anew, then the label index.
    Without a `source`, level 0 is left as it is. Of a dataset that another program made nothing is
    written but the label index.
    """
    ours = is_ours(target.url)
    faults = [each for each in findings if ours or each.check in _SIDECAR]
    plans = [list_plan("repair-objects", tasks)] if (tasks := _object_tasks(target, faults)) else []
    try:
        dataset = open_dataset(target.url)
        for number in range(dataset.levels):
            dataset.level(number)
            dataset.step(number)
    except UNREADABLE:
        return plans  # nothing is rebuilt by metadata that are damaged
    return [*plans, *_shard_plans(target, dataset, faults, source)]


def needs_source(findings: Iterable[Finding]) -> bool:
    """Return whether shards of level 0 can be had back from the source only."""
    return any(
        finding.level == 0 and finding.check in {Check.DAMAGED_SHARD, Check.MISSING_SHARD}
        for finding in findings
    )


def _object_tasks(target: FsckTarget, findings: list[Finding]) -> list[Task]:
    checks = {finding.check for finding in findings}
    tasks: list[Task] = []
    if Check.LABELS_LIST in checks and is_ours(target.image or target.url):
        tasks.append(ListLabelsTask(target.image or target.url))
    if Check.LEFTOVER in checks:
        tasks.append(SweepTask(target.url, target.index))
    return tasks


def _shard_plans(
    target: FsckTarget, dataset: Dataset, findings: list[Finding], source: SourceAddress | None
) -> Iterator[Plan]:
    finest, index = _finest(findings, has_source=source is not None), target.index
    yield from _finest_plans(index, dataset.level(0), finest, source)
    below = finest
    for level in range(1, dataset.levels):
        below = _next(dataset, level, below, findings)
        step, size = downsample_step(dataset, level), downsample_bytes(dataset, level)
        yield from _plans(f"repair-{level}", [RebuildTask(step, c) for c in below.rebuilt], size)
    if index is not None:
        volume = dataset.level(0)
        stale = [f.cell for f in findings if f.check in _SIDECAR and f.cell is not None]
        all_cells = dict.fromkeys([*stale, *finest.rebuilt, *finest.trimmed])
        cells = [cell for cell in all_cells if cell not in finest.lost]
        tasks = [IndexTask(volume.url, index, cell) for cell in cells]
        yield from _plans("repair-index", tasks, index_bytes(volume))


def _finest(findings: list[Finding], *, has_source: bool) -> _Cells:
    cells = _Cells()
    for finding in _of_level(findings, 0):
        assert finding.cell is not None
        if finding.check is Check.TORN_TAIL:
            cells.trimmed[finding.cell] = None
        elif has_source:
            cells.rebuilt[finding.cell] = finding.state
        else:
            cells.lost.add(finding.cell)
    return cells


def _finest_plans(
    index: StoreURL | None, volume: Volume, cells: _Cells, source: SourceAddress | None
) -> Iterator[Plan]:
    trim = [_marked(index, volume, TrimTask(volume.url, cell)) for cell in cells.trimmed]
    yield from _plans("repair-tails", trim, shard_bytes(volume) * 2)
    if source is not None:
        tasks = (
            IngestTask(source, volume.url, cell, known) for cell, known in cells.rebuilt.items()
        )
        ingest = [_marked(index, volume, task) for task in tasks]
        yield from _plans("repair-0", ingest, shard_bytes(volume) * 3)


def _marked(index: StoreURL | None, volume: Volume, task: TrimTask | IngestTask) -> Task:
    """Return what does the task so that the label index, if there is one, tells of it."""
    return task if index is None else MarkedTask(task, volume.url, index, task.cell)


def _next(dataset: Dataset, level: int, below: _Cells, findings: list[Finding]) -> _Cells:
    finer, volume, factors = dataset.level(level - 1), dataset.level(level), dataset.step(level)

    def over(below: Iterable[Cell]) -> Iterator[Cell]:
        for cell in below:
            box = coarser_box(finer.shard_box(cell), factors) & volume.box
            yield from box.cells(volume.shard)

    own = [(f.cell, f.below) for f in _of_level(findings, level) if f.cell is not None]
    cells, made = _Cells(lost=set(over(below.lost))), list(over(below.rebuilt))
    cells.lost |= {cell for cell, _ in own} - {cell for cell, has in own if has} - {*made}
    wanted = [cell for cell, _ in own] + made
    cells.rebuilt = dict.fromkeys(cell for cell in wanted if cell not in cells.lost)
    return cells


def _of_level(findings: list[Finding], level: int) -> Iterator[Finding]:
    return (f for f in findings if f.level == level and f.check in _SHARD)


def _plans(stage: str, tasks: Iterable[Task], bytes_per_task: int) -> Iterator[Plan]:
    listed = list(tasks)
    if listed:
        yield list_plan(stage, listed, bytes_per_task)
