"""``voxlake jobs``: what runs, what ran, and what is to go on."""

from __future__ import annotations

from typing import Annotated

import typer
from typer import Argument

from voxlake.cli.lake import opened_catalog, opened_workspace
from voxlake.cli.options import Answering, InLake, OnCluster, Running, grouped
from voxlake.cli.shown.job import shown_job, shown_jobs
from voxlake.cli.shown.output import answer
from voxlake.cli.work import queue, resume, show_job
from voxlake.documents.job import JobList, job_document
from voxlake.platform.catalog import Catalog
from voxlake.platform.errors import InvalidInputError, NotFoundError
from voxlake.platform.jobs import ENDED, Job

app = typer.Typer(help="Jobs: list them, look at one, resume or cancel it.")

type JobId = Annotated[str, Argument(metavar="JOB", help="Its id.", show_default=False)]


@app.callback(invoke_without_command=True)
@grouped
def jobs(context: typer.Context, lake: InLake, answering: Answering) -> None:
    """List the jobs of a lake, newest first."""
    if context.invoked_subcommand is None:
        _list(lake, answering)


@app.command("ls")
@grouped
def ls(lake: InLake, answering: Answering) -> None:
    """List the jobs of a lake, newest first."""
    _list(lake, answering)


@app.command("show")
@grouped
def show(job: JobId, lake: InLake, answering: Answering) -> None:
    """Show how far a job is, and which of its tasks failed."""
    with opened_catalog(lake) as catalog:
        document = job_document(catalog.ledger, catalog.ledger.get_job(job))
    answer(document, shown_job(document), json=answering.json)


@app.command("resume")
@grouped
def resume_(
    lake: InLake,
    cluster: Running,
    answering: Answering,
    job: Annotated[
        str | None,
        Argument(
            metavar="[JOB]", help="Its id; by default the one that is to go on.", show_default=False
        ),
    ] = None,
) -> int:
    """Go on with a job that was killed or failed; what is done is not done again."""
    if cluster.queue:
        with opened_catalog(lake) as catalog:
            return queue(catalog, _chosen(catalog, job), answering)
    with opened_workspace(lake, cluster) as workspace:
        chosen = _chosen(workspace.catalog, job)
        return show_job(resume(workspace, chosen), json=answering.json)


@app.command("cancel")
@grouped
def cancel(job: JobId, lake: InLake, answering: Answering) -> None:
    """Give a job up, and remove what an unfinished ingest has written.

    A job that runs is cancelled by its runner, within seconds.
    """
    from voxlake.compute.jobs.cancelling import cancel_job

    with opened_workspace(lake, OnCluster()) as workspace:
        cancelled = cancel_job(workspace, job)
        document = job_document(workspace.catalog.ledger, cancelled)
    answer(document, shown_job(document), json=answering.json)


def _list(lake: InLake, answering: Answering) -> None:
    with opened_catalog(lake) as catalog:
        ledger = catalog.ledger
        jobs = tuple(job_document(ledger, job, whole=False) for job in ledger.list_jobs())
    document = JobList(jobs=jobs)
    answer(document, shown_jobs(document), json=answering.json)


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
