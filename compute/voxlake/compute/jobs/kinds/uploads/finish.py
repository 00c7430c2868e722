"""Finish a dataset whose shards clients have uploaded: its levels, and its label index.

While they upload, no worker takes the job: it is not queued.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from voxlake.compute.jobs.kinds.index import begin_indexing, index_stages, renew_indexing
from voxlake.compute.jobs.kinds.kind import JobKind, Spec, Work, sweep
from voxlake.compute.jobs.workspace import task_limits
from voxlake.compute.passes.plans import plan_passes
from voxlake.ngff.making.create import remove_dataset
from voxlake.platform.catalog import DatasetState
from voxlake.platform.errors import ConflictError, NotFoundError

if TYPE_CHECKING:
    from voxlake.compute.plan import Plan

UPLOAD = "upload"
"""Stage of the shards that clients upload, as `api.jobs.uploading` begins it."""


class FinishUploadSpec(Spec):
    """Finish a dataset whose shards clients have uploaded."""

    kind: Literal["finish-upload"] = "finish-upload"
    task_bytes: int
    """Voxels that a task handles, about, in bytes."""
    asked: str = ""
    """What the dataset was asked to be, JSON: who asks for the same joins."""


def _stages(work: Work[FinishUploadSpec]) -> list[Plan]:
    stages = {stage.name: stage for stage in work.ledger.get_job(work.job).stages}
    if UPLOAD not in stages:
        raise ConflictError(f"job {work.job} was never begun by a client; cancel it")
    left = stages[UPLOAD].tasks - work.ledger.count_done(work.job, UPLOAD)
    if left:
        raise ConflictError(
            f"{left} shards of {work.place.name} are yet to be uploaded; go on with the upload"
        )
    limits = task_limits(work.workspace.settings, work.spec.task_bytes)
    plans = [plan for plan, _ in plan_passes(work.dataset(), None, limits)]
    return plans if work.spec.is_image else [*plans, *index_stages(work)]


def _begin(work: Work[FinishUploadSpec]) -> None:
    if not work.spec.is_image:
        begin_indexing(work)


def _renew(work: Work[FinishUploadSpec]) -> None:
    if not work.spec.is_image:
        renew_indexing(work)


def _finish(work: Work[FinishUploadSpec]) -> None:
    sweep(work)
    work.workspace.catalog.set_dataset_state(work.place.name, DatasetState.READY)


def _removes(work: Work[FinishUploadSpec]) -> bool:
    try:
        record = work.workspace.catalog.get_dataset(work.spec.place.name)
    except NotFoundError:
        return False
    return record.state is not DatasetState.READY


def _cancel(work: Work[FinishUploadSpec]) -> None:
    if _removes(work):
        remove_dataset(work.workspace.lake, work.place)
        work.workspace.catalog.remove_dataset(work.place.name)


FINISH_UPLOAD = JobKind(
    FinishUploadSpec,
    _stages,
    begin=_begin,
    renew=_renew,
    finish=_finish,
    cancel=_cancel,
    removes=_removes,
)
