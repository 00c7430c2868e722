"""Levels are made anew by a worker: told of, asked for and taken back, as bossDB's clients do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from anyio import to_thread

from voxlake.api.data.opened import opened_dataset
from voxlake.api.guards.datasets import Granted
from voxlake.documents.bossdb.resources import BossProgress
from voxlake.ngff.lake import check_writable, lies_elsewhere, place_of
from voxlake.ngff.stale import OPEN_S, Mark, list_marks
from voxlake.platform.access import AddVoxels, DeleteVoxels, Read
from voxlake.platform.catalog import DatasetState
from voxlake.platform.errors import ConflictError
from voxlake.platform.jobs.record import JSON, UNFINISHED, Job, JobState
from voxlake.platform.store import StoreURL

KIND = "downsample"
MOST_MARKS = 10_000
"""Marks that one job takes along, as `compute.jobs.kinds.downsample` has it."""

_OPEN = timedelta(seconds=OPEN_S)


async def progress(granted: Granted[Read]) -> BossProgress:
    """Return how far the levels of a dataset are made of level 0 as it is, at all time points."""
    dataset = await opened_dataset(granted)
    return await to_thread.run_sync(_progress, granted, dataset.level_url(0), dataset.levels)


async def start(granted: Granted[AddVoxels]) -> None:
    """Queue a job that makes all levels anew.

    Raises
    ------
    ConflictError
        If one is queued or runs, or there is nothing to do.
    """
    check_writable(place_of(granted.record), "downsample")
    dataset = await opened_dataset(granted)
    finest, levels = dataset.level_url(0), dataset.levels
    await to_thread.run_sync(partial(_start, granted, finest, levels))


async def cancel(granted: Granted[DeleteVoxels]) -> None:
    """Take back the job that makes levels; raise ConflictError if none is queued or runs."""
    await to_thread.run_sync(_cancel, granted)


def _progress(
    granted: Granted[Read] | Granted[AddVoxels], finest: StoreURL, levels: int
) -> BossProgress:
    record = granted.record
    if record.state is not DatasetState.READY:
        return "IN_PROGRESS"
    jobs = granted.gateway.catalog.ledger.jobs_of(record.name, kind=KIND)
    asked = next((job for job in jobs if job.state is not JobState.CANCELLED), None)
    if asked is not None and asked.state is not JobState.DONE:
        return _pending(asked)
    made = None if asked is None else asked.created_at
    if not lies_elsewhere(record) and _is_behind(list_marks(finest), made):
        return "NOT_DOWNSAMPLED"
    return "DOWNSAMPLED" if levels > 1 or made is not None else "NOT_DOWNSAMPLED"


def _pending(job: Job) -> BossProgress:
    if job.state is JobState.RUNNING:
        return "IN_PROGRESS"
    waits = job.state is JobState.QUEUED and job.queued_at is not None
    return "QUEUED" if waits else "FAILED"


def _is_behind(marks: Sequence[Mark], made: datetime | None) -> bool:
    """Return whether something may have been written since the levels were made.

    What writes under a mark does so for `OPEN_S`; one that is older than a job counts no more,
    though it stays until it is settled.
    """
    return any(made is None or mark.made + _OPEN > made for mark in marks)


def _start(granted: Granted[AddVoxels], finest: StoreURL, levels: int) -> None:
    found, name = _progress(granted, finest, levels), granted.record.name
    if found not in {"NOT_DOWNSAMPLED", "FAILED"}:
        raise ConflictError(f"{name} is {found}; there is nothing to begin")
    ledger = granted.gateway.catalog.ledger
    for failed in ledger.jobs_of(name, kind=KIND, states=UNFINISHED):
        ledger.cancel(failed.id)
    job = ledger.create_job(KIND, name, _spec(granted, finest))
    if ledger.jobs_of(name, kind=KIND, states=UNFINISHED)[-1].id != job.id:
        ledger.cancel(job.id)
        raise ConflictError(f"{name} is QUEUED by another; there is nothing to begin")
    ledger.enqueue(job.id)


def _spec(granted: Granted[AddVoxels], finest: StoreURL) -> dict[str, JSON]:
    """Return what the job is to do, as `compute.jobs.kinds.downsample.DownsampleSpec` has it."""
    record, now = granted.record, datetime.now(UTC)
    marks = [mark.url.name for mark in list_marks(finest)[:MOST_MARKS] if mark.is_settled(now)]
    return {
        "kind": KIND,
        "name": str(record.name),
        "kind_of_dataset": record.kind,
        "of": record.of,
        "task_bytes": granted.gateway.settings.task_bytes,
        "boxes": None,
        "marks": marks,
    }


def _cancel(granted: Granted[DeleteVoxels]) -> None:
    ledger, name = granted.gateway.catalog.ledger, granted.record.name
    unfinished = ledger.jobs_of(name, kind=KIND, states=UNFINISHED)
    pending = [job for job in unfinished if _pending(job) != "FAILED"]
    if not pending:
        raise ConflictError(f"no job is to make the levels of {name}; there is nothing to cancel")
    for job in pending:
        ledger.cancel(job.id)
