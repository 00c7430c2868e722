"""The plans of a look at a dataset: its metadata and objects, then level after level."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from voxlake.compute.fsck.kept import (
    KEPT_BYTES,
    MOST_TASKS,
    SHARDS_PER_TASK,
    KeptTask,
    WholeTask,
)
from voxlake.compute.fsck.objects import (
    ObjectsTask,
    behind_of,
    index_of_voxels,
    step_to,
    volume_of,
)
from voxlake.compute.fsck.shards import ShardLook, ShardTask
from voxlake.compute.passes.downsample import downsample_bytes
from voxlake.compute.passes.ingest import shard_bytes
from voxlake.compute.plan import Plan, fingerprint
from voxlake.ngff.dataset import Dataset, open_dataset
from voxlake.ngff.metadata.reading import is_ours
from voxlake.ngff.shards.check import BATCH_BYTES
from voxlake.platform.errors import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.compute.plan import Task
    from voxlake.ngff.grid.box import Cell
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL


OBJECTS_STAGE = "fsck-objects"
"""Name of the stage that looks at no shards; one for each level follows."""

KEPT_STAGE = "fsck-kept"
"""Name of the stage that looks at what is kept beside labels."""


@dataclass(frozen=True, slots=True)
class FsckTarget:
    """What is looked at."""

    url: StoreURL
    """The dataset."""
    index: StoreURL | None = None
    """The label index, of labels that should have one."""
    image: StoreURL | None = None
    """The image that the labels belong to."""
    quick: bool = False
    """Whether shards that are stored are not compared with the level below."""
    stored: int = 0
    """Shards of level 0 that its ingest stored, as is recorded; 0: it is not known."""
    unfinished: str = ""
    """What is known of an ingest that has not ended."""


def plan_fsck(what: FsckTarget) -> list[Plan]:
    """Return the plans of a look; levels that cannot be opened are left to the first of them."""
    objects = ObjectsTask(what.url, what.index, what.image)
    whole = WholeTask(what.url, what.stored, what.unfinished)
    first = list_plan(OBJECTS_STAGE, [objects, whole])
    try:
        dataset = open_dataset(what.url)
    except UNREADABLE:
        return [first, *_kept_plans(what, 1)]
    volume = volume_of(dataset, 0)
    shards = math.prod(volume.grid) if volume else 1
    return [first, *_kept_plans(what, shards), *_level_plans(what, dataset)]


def list_plan(stage: str, tasks: list[Task], bytes_per_task: int = 0) -> Plan:
    """Return a plan of the `tasks`, which are few enough to be kept."""

    def pick(cell: Cell) -> Task:
        return tasks[cell[0]]

    return Plan(stage, (len(tasks),), pick, fingerprint(stage, *tasks), bytes_per_task)


def _kept_plans(what: FsckTarget, shards: int) -> Iterator[Plan]:
    if what.index is not None:
        parts = min(-(-shards // SHARDS_PER_TASK), MOST_TASKS)
        tasks: list[Task] = [KeptTask(what.index, part, parts) for part in range(parts)]
        yield list_plan(KEPT_STAGE, tasks, KEPT_BYTES)


def _level_plans(what: FsckTarget, dataset: Dataset) -> Iterator[Plan]:
    below: Volume | None = None
    compared = is_ours(what.url)
    for level in range(dataset.levels):
        volume = volume_of(dataset, level)
        if volume is not None:
            step = step_to(dataset, level) if below is not None and compared else None
            index = index_of_voxels(what.index, dataset) if level == 0 else None
            behind = behind_of(dataset, level) if step is not None else None
            look = ShardLook(volume.url, level, step, index, what.quick, behind)
            memory = shard_bytes(volume) + 2 * BATCH_BYTES
            if step is not None:
                memory += downsample_bytes(dataset, level)
            yield Plan(
                f"fsck-{level}",
                volume.grid,
                partial(ShardTask, look),
                fingerprint("fsck", look, volume.metadata),
                memory,
                math.prod(volume.shape),
            )
        below = volume
