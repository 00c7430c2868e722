"""``voxlake jobs``: what runs, what ran, and what is to go on."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from voxlake.cli.lake import opened_catalog, opened_workspace
from voxlake.cli.options import Answering, InLake, OnCluster, Running
from voxlake.cli.shown.job import shown_job, shown_jobs
from voxlake.cli.shown.output import answer
from voxlake.cli.work import queue, resume, show_job
from voxlake.documents.job import JobList, job_document
from voxlake.platform.catalog import Catalog
from voxlake.platform.errors import InvalidInputError, NotFoundError
from voxlake.platform.jobs import ENDED, Job

jobs = App(name="jobs", help="Jobs: list them, look at one, resume or cancel it.")

type JobId = Annotated[str, Parameter(name="JOB", help="Its id.")]


@jobs.default
@jobs.command(name="ls")
def ls(*, lake: InLake = InLake(), answering: Answering = Answering()) -> None:
    """List the jobs of a lake, newest first."""
    with opened_catalog(lake) as catalog:
        ledger = catalog.ledger
        found = tuple(job_document(ledger, job, whole=False) for job in ledger.list_jobs())
    document = JobList(jobs=found)
    answer(document, shown_jobs(document), json=answering.json)


@jobs.command
def show(job: JobId, /, *, lake: InLake = InLake(), answering: Answering = Answering()) -> None:
    """Show how far a job is, and which of its tasks failed."""
    with opened_catalog(lake) as catalog:
        document = job_document(catalog.ledger, catalog.ledger.get_job(job))
    answer(document, shown_job(document), json=answering.json)


@jobs.command(name="resume")
def resume_(
    job: Annotated[
        str | None,
        Parameter(name="[JOB]", help="Its id; by default the one that is to go on."),
    ] = None,
    /,
    *,
    lake: InLake = InLake(),
    cluster: Running = Running(),
    answering: Answering = Answering(),
) -> int:
    """Go on with a job that was killed or failed; what is done is not done again."""
    if cluster.queue:
        with opened_catalog(lake) as catalog:
            return queue(catalog, _chosen(catalog, job), answering)
    from voxlake.compute.sources import opening_once

    with opening_once(), opened_workspace(lake, cluster) as workspace:
        chosen = _chosen(workspace.catalog, job)
        return show_job(resume(workspace, chosen), json=answering.json)


@jobs.command
def cancel(job: JobId, /, *, lake: InLake = InLake(), answering: Answering = Answering()) -> None:
    """Give a job up, and remove what an unfinished ingest has written.

    A job that runs is cancelled by its runner, within seconds.
    """
    from voxlake.compute.jobs.cancelling import cancel_job

    with opened_workspace(lake, OnCluster()) as workspace:
        cancelled = cancel_job(workspace, job)
        document = job_document(workspace.catalog.ledger, cancelled)
    answer(document, shown_job(document), json=answering.json)


def _chosen(catalog: Catalog, job: str | None) -> Job:
    if job is not None:
        return catalog.ledger.get_job(job)
    waiting = [each for each in catalog.ledger.list_jobs() if each.state not in ENDED]
    if not waiting:
        raise NotFoundError("no job is to go on: all are done or cancelled")
    if len(waiting) > 1:
        ids = ", ".join(f"{each.id} ({each.kind} {each.dataset})" for each in waiting)
        raise InvalidInputError(f"{len(waiting)} jobs could go on; name one of {ids}")
    return waiting[0]
