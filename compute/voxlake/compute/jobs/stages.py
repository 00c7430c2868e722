"""The plans of a job, in the order in which they run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from voxlake.compute.index.by_label import plan_index_segments
from voxlake.compute.index.shards import plan_index
from voxlake.compute.jobs.looking import plan_look_or_repair
from voxlake.compute.jobs.spec import (
    DownsampleSpec,
    FsckSpec,
    IndexSpec,
    IngestSpec,
    RepairSpec,
    Spec,
    VerifySpec,
)
from voxlake.compute.passes.cut import Limits
from voxlake.compute.passes.plans import plan_passes
from voxlake.compute.passes.rebuild import plan_rebuild
from voxlake.compute.passes.threads import thread_count
from voxlake.compute.sources import cached_source
from voxlake.compute.verify.levels import plan_verify_level
from voxlake.compute.verify.source import plan_verify_source
from voxlake.ngff.create import NewDataset, create_dataset
from voxlake.ngff.grid.layout import check_dtype
from voxlake.ngff.grid.pyramid import Extent, plan_levels_by
from voxlake.platform.catalog import DatasetRecord, DatasetState
from voxlake.platform.errors import ConflictError

if TYPE_CHECKING:
    from voxlake.compute.jobs.workspace import Workspace
    from voxlake.compute.plan import Plan
    from voxlake.ngff.dataset import Dataset


def plan_stages(workspace: Workspace, spec: Spec, job: str) -> list[Plan]:
    """Return the plans of the job with the id `job`; reads metadata only."""
    if isinstance(spec, FsckSpec | RepairSpec):
        return plan_look_or_repair(workspace, spec)
    dataset = workspace.dataset(spec.place)
    finest = dataset.level(0)
    match spec:
        case IngestSpec():
            plans = _passes(workspace, dataset, spec)
            if spec.index:
                index = workspace.index_url(spec.place)
                plans.append(plan_index(finest, index, keep=True))
                plans += plan_index_segments(finest, index, job)
        case DownsampleSpec(boxes=None):
            plans = _passes(workspace, dataset, spec)
        case DownsampleSpec(boxes=boxes):
            plans = plan_rebuild(dataset, boxes or ())
        case IndexSpec():
            index = workspace.index_url(spec.place)
            plans = [plan_index(finest, index), *plan_index_segments(finest, index, job)]
        case VerifySpec():
            plans = _verifying(workspace, dataset, spec)
    return plans


def _passes(
    workspace: Workspace, dataset: Dataset, spec: IngestSpec | DownsampleSpec
) -> list[Plan]:
    source, index = None, None
    if isinstance(spec, IngestSpec):
        source = spec.address
        index = workspace.index_url(spec.place) if spec.index else None
    passes = plan_passes(dataset, source, limits(workspace, spec.task_bytes), index)
    return [plan for plan, _ in passes]


def _verifying(workspace: Workspace, dataset: Dataset, spec: VerifySpec) -> list[Plan]:
    plans = [
        plan_verify_level(dataset, level, hashes=spec.hashes) for level in range(1, dataset.levels)
    ]
    if spec.address is not None:
        may_take = limits(workspace, spec.task_bytes)
        first = plan_verify_source(spec.address, dataset.level(0), may_take, hashes=spec.hashes)
        plans.insert(0, first)
    return plans


def limits(workspace: Workspace, task_bytes: int) -> Limits:
    """Return what the tasks of a job may take."""
    return Limits(task_bytes, workspace.settings.memory_limit_bytes, thread_count())


def create_target(workspace: Workspace, spec: IngestSpec) -> None:
    """Put the new dataset into the catalog and its metadata on the store; twice is no harm."""
    place = spec.place
    source = cached_source(spec.source, spec.source_fingerprint)
    extent = Extent(tuple(source.shape), source.axes, spec.voxel_size)
    new = NewDataset(
        place,
        source.axes,
        spec.voxel_size.unit,
        check_dtype(place.kind, source.dtype),
        plan_levels_by(place.kind, extent, spec.steps),
        spec.reduction,
    )
    record = DatasetRecord(
        name=place.name,
        kind=place.kind.value,
        of=place.of,
        url=place.key,
        state=DatasetState.INGESTING,
        public=spec.public,
        created_at=datetime.now(UTC),
    )
    try:
        workspace.catalog.add_dataset(record)
    except ConflictError:
        if workspace.catalog.get_dataset(place.name).state is DatasetState.READY:
            raise
    create_dataset(workspace.lake, new)
    workspace.catalog.set_dataset_state(place.name, DatasetState.INGESTING)
