"""Tell what a job would do that is asked about over HTTP; nothing of it is begun.

What would be refused is told as well: it is an answer, and no failure.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from voxlake.compute.forecast.costs import read_prices
from voxlake.compute.forecast.forecast import forecast
from voxlake.compute.forecast.machines import machines_of
from voxlake.compute.forecast.sampling import take_sample
from voxlake.compute.forecast.target import target_of_dataset, target_of_ingest
from voxlake.compute.jobs.kinds.asked.specs import AskedSpec, spec_of
from voxlake.compute.jobs.kinds.downsample import DOWNSAMPLE, DownsampleSpec
from voxlake.compute.jobs.kinds.fsck import FSCK, FsckSpec
from voxlake.compute.jobs.kinds.index import INDEX, IndexSpec
from voxlake.compute.jobs.kinds.ingest_spec import IngestSpec
from voxlake.compute.jobs.kinds.inside import labels_below
from voxlake.compute.jobs.kinds.kind import JobKind, Spec, Work
from voxlake.compute.jobs.kinds.remove import RemoveSpec
from voxlake.compute.jobs.kinds.verify import VERIFY, VerifySpec
from voxlake.compute.jobs.workspace import task_limits
from voxlake.compute.sources import opening_once
from voxlake.documents.jobs.job_plan import JobPlan, PlannedWork
from voxlake.ngff.grid.box import grid_shape
from voxlake.platform.errors import StoreUnavailableError, VoxlakeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxlake.compute.forecast.target import Target
    from voxlake.compute.jobs.workspace import Workspace
    from voxlake.compute.plan import Plan
    from voxlake.ngff.dataset import Dataset
    from voxlake.platform.jobs.record import JSON

SECONDS = 5.0
"""How long a sample may take."""


class PlanSpec(AskedSpec):
    """Tell what a job would do."""

    kind: Literal["plan"] = "plan"


def plan_of(work: Work[PlanSpec]) -> JobPlan:
    """Return what the job that was asked about would do, or why it would be refused.

    Raises
    ------
    StoreUnavailableError
        If the store or the catalog cannot be reached: another time there is an answer.
    """
    asked = work.spec.asked.root
    plan = JobPlan(kind=asked.kind, dataset=asked.dataset)
    try:
        with opening_once():
            return _planned(work, plan, spec_of(work.workspace, asked))
    except StoreUnavailableError:
        raise
    except VoxlakeError as error:
        return plan.model_copy(update={"refused": str(error)})


def _planned(work: Work[PlanSpec], plan: JobPlan, spec: Spec) -> JobPlan:
    workspace = work.workspace
    match spec:
        case IngestSpec():
            return _forecast(workspace, plan, _target_of_ingest(workspace, spec))
        case DownsampleSpec(boxes=None):
            return _forecast(workspace, plan, _target_of_dataset(workspace, spec))
        case RemoveSpec():
            return _deletion(workspace, plan, spec)
    # Of these nothing is measured: their stages say how much they look at.
    stages: list[Plan] = []
    match spec:
        case DownsampleSpec():
            stages = DOWNSAMPLE.stages(Work(workspace, work.job, spec))
        case VerifySpec():
            stages = VERIFY.stages(Work(workspace, work.job, spec))
        case FsckSpec():
            stages = FSCK.stages(Work(workspace, work.job, spec))
        case IndexSpec():
            stages = INDEX.stages(Work(workspace, work.job, spec))
    return _counted(plan, stages, workspace.dataset(workspace.place(spec.place.name)))


def _target_of_ingest(workspace: Workspace, spec: IngestSpec) -> Target:
    return target_of_ingest(spec, task_limits(workspace.settings, spec.task_bytes))


def _target_of_dataset(workspace: Workspace, spec: DownsampleSpec) -> Target:
    dataset = workspace.dataset(workspace.place(spec.place.name))
    return target_of_dataset(spec.name, dataset, task_limits(workspace.settings, spec.task_bytes))


def _forecast(workspace: Workspace, plan: JobPlan, target: Target) -> JobPlan:
    prices, where, _ = read_prices(None)
    sample = take_sample(target, seconds=SECONDS)
    told = forecast(target, sample, machines_of(workspace.settings), prices, where)
    made = [level for level in told.levels if level.made]
    memory = told.memory
    too_large = (
        f"a task is projected to need {memory.task_bytes:,} bytes of memory, and the limit is "
        f"{memory.limit_bytes:,}: it would fail; an administrator raises VOXLAKE_MEMORY_LIMIT_BYTES"
    )
    return plan.model_copy(
        update={
            "stages": tuple(
                PlannedWork(
                    name=each.name,
                    tasks=each.tasks,
                    voxels=each.voxels,
                    memory_bytes=each.memory_bytes,
                )
                for each in told.stages
            ),
            "shards": sum(level.shards for level in made),
            "voxels": sum(math.prod(level.shape) for level in made),
            "bytes": told.stored.bytes,
            "requests": told.requests,
            "forecast": told,
            "warnings": (*told.notes, *(() if memory.fits else (too_large,))),
        }
    )


def _counted(plan: JobPlan, stages: Sequence[Plan], dataset: Dataset) -> JobPlan:
    work = tuple(
        PlannedWork(
            name=each.stage,
            tasks=len(each),
            voxels=each.voxels,
            memory_bytes=each.bytes_per_task,
        )
        for each in stages
    )
    voxels = sum(each.voxels for each in work) or None
    return plan.model_copy(update={"stages": work, "shards": _shards(dataset), "voxels": voxels})


def _shards(dataset: Dataset) -> int:
    """Return how many shards all levels of a dataset have at most."""
    volumes = map(dataset.level, range(dataset.levels))
    return sum(math.prod(grid_shape(volume.shape, volume.shard)) for volume in volumes)


def _deletion(workspace: Workspace, plan: JobPlan, spec: RemoveSpec) -> JobPlan:
    place = workspace.place(spec.place.name)
    dataset, labels = workspace.dataset(place), labels_below(workspace, place)
    days = workspace.settings.deleted_days
    kept = f"it can be brought back for {days} days" if days else "it cannot be brought back"
    warnings = [kept]
    if place.elsewhere:
        warnings = ["it is registered in place: its voxels stay, and the lake forgets it"]
    if labels:
        warnings.append(f"labels go with it: {', '.join(labels)}")
    voxels = sum(math.prod(dataset.level(level).shape) for level in range(dataset.levels))
    return plan.model_copy(
        update={"shards": _shards(dataset), "voxels": voxels, "warnings": tuple(warnings)}
    )


def _answer(work: Work[PlanSpec]) -> dict[str, JSON]:
    return {"plan": plan_of(work).model_dump(mode="json")}


def _no_stages(_: Work[PlanSpec]) -> list[Plan]:
    return []


PLAN = JobKind(PlanSpec, _no_stages, answer=_answer)
