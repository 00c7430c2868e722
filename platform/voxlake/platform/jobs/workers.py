"""Workers that have been heard of: those that wait for jobs, too."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sqlalchemy import Row, delete, select

from voxlake.platform.errors import StoreError
from voxlake.platform.jobs.leases import database_time
from voxlake.platform.jobs.record import JobState
from voxlake.platform.jobs.runner import is_held
from voxlake.platform.jobs.tables import jobs, workers

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from voxlake.platform.database import Database

TELL_S = 20.0
"""Seconds between two signs of life of a worker that waits."""
LOST_S = 3 * TELL_S
"""Seconds after which one that waits counts as lost."""
_FORGOTTEN = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class WorkerRecord:
    """A worker, as it was heard of last."""

    host: str
    pid: int
    version: str
    """Of voxlake, where it runs."""
    seen_at: datetime
    """When it waited for a job, or took one."""
    job: str | None
    """The one that it took; None: it waits."""
    lives: bool
    """Whether it holds its job, or has been heard of lately."""


@dataclass(slots=True)
class Presence:
    """Says that this worker is there; a database that is away is no fault of it."""

    database: Database
    _id: str = field(default_factory=lambda: uuid4().hex)

    def tell(self, job: str | None = None) -> None:
        """Say that it is there, and waits, or works on a job."""
        row = {
            "id": self._id,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "version": version("voxlake"),
            "job": job,
        }
        with suppress(StoreError), self.database.write() as connection:
            row["seen_at"] = moment = database_time(connection)
            put = self.database.insert(workers).values(row)
            connection.execute(put.on_conflict_do_update(index_elements=["id"], set_=row))
            connection.execute(delete(workers).where(workers.c.seen_at < moment - _FORGOTTEN))

    def end(self) -> None:
        """Say that it is there no more."""
        with suppress(StoreError), self.database.write() as connection:
            connection.execute(delete(workers).where(workers.c.id == self._id))


def list_workers(database: Database) -> list[WorkerRecord]:
    """Return the workers of the last day that did not say that they end, those of late first.

    Raises
    ------
    StoreError
        If the database fails.
    """
    with database.read() as connection:
        moment = database_time(connection)
        held = _held(connection, moment)
        newest = select(workers).order_by(workers.c.seen_at.desc(), workers.c.id)
        rows = connection.execute(newest).all()
    return [_record(row, moment, held) for row in rows]


def _held(connection: Connection, moment: datetime) -> set[str]:
    """Return the jobs that somebody holds."""
    running = select(jobs).where(jobs.c.state == JobState.RUNNING.value)
    return {row.id for row in connection.execute(running).all() if is_held(row, moment)}


def _record(row: Row[tuple[Any, ...]], moment: datetime, held: set[str]) -> WorkerRecord:
    late = moment - row.seen_at > timedelta(seconds=LOST_S)
    lives = row.job in held or not late
    return WorkerRecord(row.host, row.pid, row.version, row.seen_at, row.job, lives)
