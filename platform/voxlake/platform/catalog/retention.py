"""How long the catalog keeps what only grows: the audit, what was used, and jobs that ended.

Rows go a few at a time, so that nobody waits for them; whatever cuts that off, the next time goes
on with it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import and_, delete, func, select

from voxlake.platform.catalog.audit import Writer
from voxlake.platform.catalog.tables import audit, audit_horizon, datasets, usage, usage_months
from voxlake.platform.database import now
from voxlake.platform.jobs.record import ENDED, JobState
from voxlake.platform.jobs.tables import done_tasks, failed_tasks, jobs, stages, task_leases

if TYPE_CHECKING:
    from datetime import datetime

    from voxlake.platform.settings import Settings

AT_ONCE = 1000
"""Rows that go in a transaction, about."""
_TASKS = (done_tasks, failed_tasks, task_leases)


@dataclass(frozen=True, slots=True)
class Kept:
    """For how many days rows are kept; None: for ever."""

    audit: int | None = None
    usage: int | None = None
    jobs: int | None = None

    @classmethod
    def by(cls, settings: Settings) -> Kept:
        """Return what the settings say."""
        return cls(settings.audit_days, settings.usage_days, settings.jobs_days)


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many went."""

    audit: int = 0
    """Entries of the audit."""
    usage: int = 0
    """Days and months of which is not known any more what was used."""
    jobs: int = 0


@dataclass(frozen=True, slots=True)
class Retention(Writer):
    """Forgets what is older than it is kept. Any number of processes may do so at once."""

    def prune(self, kept: Kept) -> Pruned:
        """Forget what is older, and return how much it was.

        What says where the voxels of a dataset came from stays as long as the dataset: the ingest
        that made it.
        """
        moment = now()
        limits = {
            what: moment - timedelta(days=days)
            for what, days in asdict(kept).items()
            if days is not None
        }
        return Pruned(
            self._prune_audit(limits["audit"]) if "audit" in limits else 0,
            self._prune_usage(limits["usage"]) if "usage" in limits else 0,
            self._prune_jobs(limits["jobs"]) if "jobs" in limits else 0,
        )

    def _prune_audit(self, before: datetime) -> int:
        """Forget entries; that they were forgotten is an entry itself."""
        oldest = select(audit.c.id).where(audit.c.at < before).order_by(audit.c.id).limit(AT_ONCE)
        row = {"id": 1, "until": before}
        put = self.database.insert(audit_horizon).values(row)
        put = put.on_conflict_do_update(index_elements=["id"], set_=row)
        count = 0
        while True:
            with self.database.write() as connection:
                found = list(connection.execute(oldest).scalars())
                if not found:
                    return count
                # The database keeps every entry that is not older than this says.
                connection.execute(put)
                connection.execute(delete(audit).where(audit.c.id.in_(found)))
                detail = f"{len(found)} entries"
                self.note(connection, "prune audit", f"before {before:%Y-%m-%d}", detail=detail)
            count += len(found)

    def _prune_usage(self, before: datetime) -> int:
        count = 0
        for table, column, limit in (
            (usage, usage.c.day, f"{before:%Y-%m-%d}"),
            (usage_months, usage_months.c.month, f"{before:%Y-%m}"),
        ):
            with self.database.read() as connection:
                old = select(column).where(column < limit).distinct().order_by(column)
                found = list(connection.execute(old).scalars())
            for each in found:
                with self.database.write() as connection:
                    connection.execute(delete(table).where(column == each))
                count += 1
        return count

    def _prune_jobs(self, before: datetime) -> int:
        old = select(jobs.c.id).where(_may_go, jobs.c.updated_at < before)
        with self.database.read() as connection:
            found = list(connection.execute(old.order_by(jobs.c.id)).scalars())
        for job in found:
            self._forget_tasks(job)
            with self.database.write() as connection:
                connection.execute(delete(stages).where(stages.c.job == job))
                connection.execute(delete(jobs).where(jobs.c.id == job))
        return len(found)

    def _forget_tasks(self, job: str) -> None:
        with self.database.read() as connection:
            mine = connection.execute(select(stages.c.id, stages.c.tasks).filter_by(job=job)).all()
        for stage, tasks in mine:
            for first in range(0, tasks, AT_ONCE):
                with self.database.write() as connection:
                    for table in _TASKS:
                        some = table.c.task.between(first, first + AT_ONCE - 1)
                        connection.execute(delete(table).where(table.c.stage == stage, some))

    def oldest(self) -> dict[str, datetime | None]:
        """Return of when the oldest entry of the audit is, and the oldest job that may go."""
        entry = select(audit.c.at).order_by(audit.c.id).limit(1)
        job = select(func.min(jobs.c.updated_at)).where(_may_go)
        with self.database.read() as connection:
            return {
                "audit": connection.execute(entry).scalar(),
                "jobs": connection.execute(job).scalar(),
            }


_there = select(datasets.c.node).where(datasets.c.node == jobs.c.node).correlate(jobs).exists()
_made = and_(jobs.c.kind == "ingest", jobs.c.state == JobState.DONE.value, _there)
_may_go = and_(jobs.c.state.in_(sorted(ENDED)), ~_made)
"""Says of a job that it has ended, and that no dataset that is there came from it."""
