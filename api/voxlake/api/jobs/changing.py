"""Jobs are gone on with, or given up; what one that is given up has left, a worker takes back."""

from __future__ import annotations

from voxlake.api.guards.jobs import GrantedJob
from voxlake.documents.jobs.job import JobDocument, job_document
from voxlake.platform.access import Update
from voxlake.platform.catalog import Catalog
from voxlake.platform.errors import ConflictError
from voxlake.platform.jobs.record import Job, JobState

LEAVES = frozenset({"ingest", "index", "finish-upload"})
"""Kinds of which something is to be taken back, as `compute.jobs.kinds` has it."""


async def retry(granted: GrantedJob[Update]) -> JobDocument:
    """Give a job that failed, or was interrupted, to a worker; what is done is not done again.

    Raises
    ------
    ConflictError
        If it runs, is done or is cancelled.
    """
    job = granted.job

    def change(catalog: Catalog) -> JobDocument:
        if job.state is JobState.QUEUED and job.queued_at is not None:
            return _document(catalog, job)
        enqueued = catalog.ledger.enqueue(job.id)
        catalog.jobs.note_change("retry job", job)
        return _document(catalog, enqueued)

    return await granted.asker.of_catalog(change)


async def cancel(granted: GrantedJob[Update]) -> JobDocument:
    """Give a job up: one that runs is cancelled within seconds.

    Raises
    ------
    ConflictError
        If it is done or cancelled, or deletes what is hidden already.
    """
    job = granted.job

    def change(catalog: Catalog) -> JobDocument:
        if job.kind == "remove" and job.spec.get("nodes"):
            raise ConflictError(
                f"{job.dataset} is deleted, and job {job.id} is not given up; bring it back with "
                "POST /v2/deleted/ID/restore, if /v2/deleted lists it still"
            )
        give_up = catalog.ledger.cancel_by_worker if job.kind in LEAVES else catalog.ledger.cancel
        cancelled = give_up(job.id)
        catalog.jobs.note_change("cancel job", job)
        return _document(catalog, cancelled)

    return await granted.asker.of_catalog(change)


def _document(catalog: Catalog, job: Job) -> JobDocument:
    return job_document(catalog.ledger, job)
