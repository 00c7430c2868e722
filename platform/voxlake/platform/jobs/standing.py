"""How the jobs of a lake stand, all of them together: for who watches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from voxlake.platform.database import now
from voxlake.platform.jobs.record import JobState
from voxlake.platform.jobs.tables import jobs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voxlake.platform.database import Database


@dataclass(frozen=True, slots=True)
class Standing:
    """The jobs of a lake, counted."""

    jobs: Mapping[JobState, int]
    """How many there are in each state, 0 included."""
    waited_s: float
    """Seconds that the oldest job waits for a worker; 0 if none does."""


def standing(database: Database) -> Standing:
    """Count the jobs.

    Raises
    ------
    StoreError
        If the database fails.
    """
    waiting = (jobs.c.state == JobState.QUEUED.value, jobs.c.queued_at.is_not(None))
    with database.read() as connection:
        rows = connection.execute(select(jobs.c.state, func.count()).group_by(jobs.c.state)).all()
        oldest = connection.execute(select(func.min(jobs.c.queued_at)).where(*waiting)).scalar()
    counted = {JobState(state): count for state, count in rows}
    waited_s = 0.0 if oldest is None else max(0.0, (now() - oldest).total_seconds())
    return Standing({state: counted.get(state, 0) for state in JobState}, waited_s)
