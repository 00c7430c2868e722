"""Who works on jobs, and which jobs wait for people: for who watches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, Select, select

from voxlake.platform.jobs.leases import database_time
from voxlake.platform.jobs.record import JobState
from voxlake.platform.jobs.runner import is_held
from voxlake.platform.jobs.tables import jobs
from voxlake.platform.nodes.tree import NAME_COLUMNS, join_names, name_of

if TYPE_CHECKING:
    from datetime import datetime

    from voxlake.platform.database import Database

TROUBLED = (JobState.FAILED, JobState.DEGRADED, JobState.INTERRUPTED)
"""States out of which only people lead, by resuming or cancelling."""

_columns = (
    *(jobs.c[name] for name in ("id", "kind", "state", "message", "updated_at")),
    *(jobs.c[name] for name in ("host", "pid", "machine", "pid_started", "lease_until")),
)
_named: Select[Any] = join_names(select(*_columns, *NAME_COLUMNS).select_from(jobs), jobs.c.node)


@dataclass(frozen=True, slots=True)
class Runner:
    """The last process that claimed a job that is marked as running."""

    job: str
    kind: str
    dataset: str
    host: str
    pid: int
    seen_at: datetime
    """When it last gave a sign of life."""
    lives: bool
    """Whether it holds the job; one that does not is lost, and the job is for the next to take."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """A job that somebody has to look at."""

    job: str
    kind: str
    dataset: str
    state: JobState
    message: str
    since: datetime


def runners(database: Database) -> list[Runner]:
    """Return who runs jobs, the one that was heard of last first.

    Raises
    ------
    StoreError
        If the database fails.
    """
    running = _named.where(jobs.c.state == JobState.RUNNING.value)
    with database.read() as connection:
        moment = database_time(connection)
        rows = connection.execute(running.order_by(jobs.c.updated_at.desc(), jobs.c.id)).all()
    return [_runner_of(row, moment) for row in rows]


def troubled(database: Database, most: int) -> list[Trouble]:
    """Return jobs that failed or were left, those of late first, so many at most.

    Raises
    ------
    StoreError
        If the database fails.
    """
    ill = _named.where(jobs.c.state.in_([state.value for state in TROUBLED]))
    with database.read() as connection:
        newest = ill.order_by(jobs.c.updated_at.desc(), jobs.c.id.desc()).limit(most)
        rows = connection.execute(newest).all()
    return [
        Trouble(
            row.id, row.kind, str(name_of(row)), JobState(row.state), row.message, row.updated_at
        )
        for row in rows
    ]


def _runner_of(row: Row[tuple[Any, ...]], moment: datetime) -> Runner:
    return Runner(
        job=row.id,
        kind=row.kind,
        dataset=str(name_of(row)),
        host=row.host or "",
        pid=row.pid or 0,
        seen_at=row.updated_at,
        lives=is_held(row, moment),
    )
