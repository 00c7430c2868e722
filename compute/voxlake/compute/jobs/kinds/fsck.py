"""Look for what is torn, flipped, missing or stale in a dataset; nothing is changed."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Literal

from voxlake.compute.fsck.finding import finding_document, findings_of
from voxlake.compute.fsck.plans import FsckTarget, plan_fsck
from voxlake.compute.jobs.kinds.index import INDEX
from voxlake.compute.jobs.kinds.ingest import INGEST
from voxlake.compute.jobs.kinds.ingest_spec import IngestSpec
from voxlake.compute.jobs.kinds.kind import JobKind, Spec, Work, at, record_job
from voxlake.compute.plan import Result
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.lake import index_of
from voxlake.platform import store
from voxlake.platform.catalog.data.record import DatasetState
from voxlake.platform.jobs.record import ANSWER, UNFINISHED, JobState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.compute.fsck.finding import Finding
    from voxlake.compute.jobs.workspace import Workspace
    from voxlake.compute.plan import Plan
    from voxlake.ngff.lake import Place
    from voxlake.platform.jobs.record import JSON, Job
    from voxlake.platform.names import DatasetName


MOST_TOLD = 1000
"""Findings that are told to who asked over HTTP."""


class FsckSpec(Spec):
    """Look for what is torn, flipped, missing or stale; nothing is changed."""

    kind: Literal["fsck"] = "fsck"
    index: bool = False
    """Whether the labels should have a label index."""
    quick: bool = False
    """Whether levels are not compared with the ones below."""
    stored: int = 0
    """Shards of level 0 that the ingest stored, as is recorded; 0: it is not known."""
    unfinished: str = ""
    """What is known of an ingest that has not ended; empty if it has."""


def start_fsck(workspace: Workspace, name: DatasetName, *, quick: bool = False) -> Job:
    """Record a job that looks for what is torn, flipped, missing or stale in a dataset.

    Labels whose index was ever built, or of which anything is stored, are held to have one.
    """
    return record_job(workspace, checked_fsck(workspace, name, quick=quick))


def checked_fsck(workspace: Workspace, name: DatasetName, *, quick: bool = False) -> FsckSpec:
    """Return what a job is to do, as of `start_fsck`."""
    place = workspace.place(name)
    return FsckSpec(
        **at(place),
        quick=quick,
        index=place.kind is Kind.LABELS and _should_have_index(workspace, place),
        stored=_stored(workspace, name),
        unfinished=_unfinished(workspace, name),
    )


def findings(workspace: Workspace, job: Job) -> Iterator[Finding]:
    """Yield what an fsck job has found so far; nothing of a job of another kind."""
    if job.kind != FSCK.name:
        return
    ledger = workspace.catalog.ledger
    stages = ledger.get_job(job.id).stages
    yield from findings_of(
        result
        for stage in stages
        if stage.name != ANSWER
        for result in ledger.results(job.id, stage.name)
    )


def fsck_target(workspace: Workspace, spec: FsckSpec) -> FsckTarget:
    """Return what an fsck job looks at."""
    place, image = workspace.place(spec.place.name), None
    if place.of is not None:
        image = workspace.address(workspace.place(place.name.sibling(place.of)))
    index = index_of(workspace.lake, place) if spec.index else None
    return FsckTarget(
        workspace.address(place), index, image, spec.quick, spec.stored, spec.unfinished
    )


def _stored(workspace: Workspace, name: DatasetName) -> int:
    """Return how many shards of level 0 the ingest of a dataset stored; 0 if it is not recorded."""
    ledger = workspace.catalog.ledger
    done = ledger.jobs_of(name, kind=INGEST.name, states={JobState.DONE})
    stages = [(job, stage.name) for job in done[:1] for stage in job.stages]
    results = (result for job, stage in stages for result in ledger.results(job.id, stage))
    return sum(Result.model_validate(result).stored_shards for result in results)


def _unfinished(workspace: Workspace, name: DatasetName) -> str:
    """Return what is known of an ingest of a dataset that has not ended; empty if it has."""
    state = workspace.catalog.get_dataset(name).state
    begun = workspace.catalog.ledger.jobs_of(name, kind=INGEST.name, states=UNFINISHED)
    # One that is to replace the dataset leaves it whole.
    jobs = [job for job in begun if not IngestSpec.model_validate(job.spec).replaces]
    if jobs:
        return f"its ingest, job {jobs[0].id}, is {jobs[0].state}; resume or cancel it"
    return "" if state is DatasetState.READY else f"its ingest has not ended: it is {state}"


def _should_have_index(workspace: Workspace, place: Place) -> bool:
    if store.list_children(index_of(workspace.lake, place)) != ([], []):
        return True
    for job in workspace.catalog.ledger.jobs_of(place.name, states={JobState.DONE}):
        if job.kind == INDEX.name:
            return True
        if job.kind == INGEST.name:  # What was done before it was done to what it replaced.
            return IngestSpec.model_validate(job.spec).index
    return False


def _stages(work: Work[FsckSpec]) -> list[Plan]:
    return plan_fsck(fsck_target(work.workspace, work.spec))


def _answer(work: Work[FsckSpec]) -> dict[str, JSON]:
    found = list(islice(findings(work.workspace, work.ledger.get_job(work.job)), MOST_TOLD))
    axes: tuple[str, ...] = ()
    if any(finding.box for finding in found):
        axes = work.dataset().multiscale.axis_names
    told = [finding_document(each, axes).model_dump(mode="json") for each in found]
    return {"findings": told}


FSCK = JobKind(FsckSpec, _stages, answer=_answer)
