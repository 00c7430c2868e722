"""How the jobs of a lake stand, all of them together: for who watches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import and_, func, select

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
    """How many there are in each state, 0 included; those aside that wait for a time to come."""
    waited_s: float
    """Seconds that the oldest job waits for a worker; 0 if none does."""


def standing(database: Database) -> Standing:
    """Count the jobs.

    Raises
    ------
    StoreError
        If the database fails.
    """
    moment, queued = now(), jobs.c.state == JobState.QUEUED.value
    waiting = (queued, jobs.c.queued_at <= moment)
    later = and_(queued, func.coalesce(jobs.c.queued_at, moment) > moment)
    counts = select(jobs.c.state, func.count()).where(~later).group_by(jobs.c.state)
    with database.read() as connection:
        rows = connection.execute(counts).all()
        oldest = connection.execute(select(func.min(jobs.c.queued_at)).where(*waiting)).scalar()
    counted = {JobState(state): count for state, count in rows}
    waited_s = 0.0 if oldest is None else max(0.0, (moment - oldest).total_seconds())
    return Standing({state: counted.get(state, 0) for state in JobState}, waited_s)
