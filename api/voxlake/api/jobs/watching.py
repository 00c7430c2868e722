"""Jobs are looked at: listed, described, and why tasks of one failed.

Who may only read a dataset is told how far a job on it is; what it was asked for, where it runs and
why it failed may say what lies elsewhere, and is told to those who may change the dataset.
"""

from __future__ import annotations

from voxlake.api.guards.askers import Asker
from voxlake.api.guards.jobs import GrantedJob
from voxlake.documents.jobs.job import JobDocument, JobList, JobLog, job_document
from voxlake.platform.access import Read, Update
from voxlake.platform.catalog import Catalog
from voxlake.platform.catalog.data.jobs import JobPage
from voxlake.platform.jobs.record import JobState
from voxlake.platform.names import DatasetName

MOST_LOGGED = 100
"""Failed tasks whose tracebacks are told."""


async def list_jobs(
    asker: Asker, limit: int, after: str, dataset: str | None, states: tuple[JobState, ...]
) -> JobList:
    """Return jobs that somebody may see, newest first."""
    name = None if dataset is None else DatasetName.parse(dataset)

    def ask(catalog: Catalog) -> JobList:
        more = JobPage(limit + 1, after)
        jobs = catalog.jobs.list_allowed(asker.principal, more, name=name, states=states)
        shown = tuple(
            told(job_document(catalog.ledger, job, whole=False), manages=manages)
            for job, manages in jobs[:limit]
        )
        return JobList(jobs=shown, next=shown[-1].id if len(jobs) > limit else None)

    return await asker.of_catalog(ask)


async def describe(granted: GrantedJob[Read] | GrantedJob[Update]) -> JobDocument:
    """Return how far a job is now, and what it has found out."""
    job, manages = granted.job, granted.manages

    def ask(catalog: Catalog) -> JobDocument:
        return told(job_document(catalog.ledger, job), manages=manages)

    document = await granted.asker.of_catalog(ask)
    if document.at_rest:
        # Who was told that it has ended asks for what it made.
        granted.asker.gateway.records.forget(job.dataset)
    return document


def told(document: JobDocument, *, manages: bool) -> JobDocument:
    """Return what of a job is told to somebody."""
    if manages:
        return document
    hidden: dict[str, object] = {"message": "", "spec": {}, "by": ""}
    hidden |= dict.fromkeys(("host", "pid", "dashboard", "plan", "look"))
    return document.model_copy(update=hidden | {"failures": (), "findings": ()})


async def log(granted: GrantedJob[Update]) -> JobLog:
    """Return which tasks failed, with their tracebacks."""
    job = granted.job.id

    def ask(catalog: Catalog) -> JobLog:
        failures = tuple(catalog.ledger.failures(job, limit=MOST_LOGGED + 1))
        return JobLog(failures=failures[:MOST_LOGGED], more=len(failures) > MOST_LOGGED)

    return await granted.asker.of_catalog(ask)
