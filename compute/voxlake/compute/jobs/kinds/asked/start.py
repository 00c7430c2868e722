"""A job that was asked for over HTTP: checked by a worker, it becomes the one that does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from voxlake.compute.jobs.kinds.asked.specs import AskedSpec, spec_of
from voxlake.compute.jobs.kinds.ingest_spec import IngestSpec
from voxlake.compute.jobs.kinds.kind import JobKind, Work
from voxlake.compute.sources import opening_once
from voxlake.platform.jobs.record import START

if TYPE_CHECKING:
    from voxlake.compute.jobs.workspace import Workspace
    from voxlake.compute.plan import Plan
    from voxlake.platform.jobs.record import Claim, Job


class StartSpec(AskedSpec):
    """Check what was asked for, and become the job that does it."""

    kind: Literal["start"] = "start"


def checked_job(workspace: Workspace, claim: Claim, job: Job) -> Job:
    """Return a job as it is to run: one that was asked for is checked, and becomes another.

    Raises
    ------
    VoxlakeError
        As `voxlake.compute.jobs.kinds.asked.specs.spec_of` does.
    """
    if job.kind != START:
        return job
    with opening_once():
        spec = spec_of(workspace, StartSpec.model_validate(job.spec).asked.root)
    if isinstance(spec, IngestSpec) and job.user is not None:
        spec = spec.model_copy(update={"owner": job.by})
    return workspace.catalog.ledger.become(claim, spec.kind, spec.model_dump(mode="json"))


def _no_stages(_: Work[StartSpec]) -> list[Plan]:
    return []


START_ASKED = JobKind(StartSpec, _no_stages)
