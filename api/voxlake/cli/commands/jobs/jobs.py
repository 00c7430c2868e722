"""``voxlake jobs``: what runs, what ran, and what is to go on."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from voxlake.cli.lake import opened_catalog
from voxlake.cli.options import Answering, InLake
from voxlake.cli.shown.job import shown_job, shown_jobs
from voxlake.cli.shown.output import answer
from voxlake.documents.job import JobList, job_document

jobs = App(name="jobs", help="Jobs: list them, look at one, resume or cancel it.")
# Those that work on a job load much that those who look at jobs do without.
jobs.command(
    "voxlake.cli.commands.jobs.resume:resume",
    help="Go on with a job that was killed or failed; what is done is not done again.",
)
jobs.command(
    "voxlake.cli.commands.jobs.cancel:cancel",
    help="Give a job up, and remove what an unfinished ingest has written.\n\n"
    "A job that runs is cancelled by its runner, within seconds.",
)

type JobId = Annotated[str, Parameter(name="JOB", help="Its id.")]


@jobs.default
@jobs.command(name="ls")
def ls(*, lake: InLake = InLake(), answering: Answering = Answering()) -> None:
    """List the jobs of a lake, newest first."""
    with opened_catalog(lake) as catalog:
        ledger = catalog.ledger
        jobs = tuple(job_document(ledger, job, whole=False) for job in ledger.list_jobs())
    document = JobList(jobs=jobs)
    answer(document, shown_jobs(document), json=answering.json)


@jobs.command
def show(job: JobId, /, *, lake: InLake = InLake(), answering: Answering = Answering()) -> None:
    """Show how far a job is, and which of its tasks failed."""
    with opened_catalog(lake) as catalog:
        document = job_document(catalog.ledger, catalog.ledger.get_job(job))
    answer(document, shown_job(document), json=answering.json)
