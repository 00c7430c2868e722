"""Leases: which runner may work on a job, decided inside one transaction of the database.

A claim lasts for some seconds unless it is renewed, by the database's clock: the clocks of runners
may differ, and a runner whose clock is ahead must not take jobs from the others. An embedded
database has only runners of its own machine, whose clock is ours. Every claim raises the job's
fence; a runner that was taken for dead and wakes up finds a higher one and is refused.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, Subquery, and_, func, or_, select, tuple_, update

from voxlake.platform.database import now
from voxlake.platform.errors import ConflictError, LeaseLostError, NotFoundError
from voxlake.platform.jobs.record import ENDED, Claim, JobState
from voxlake.platform.jobs.rows import read_job
from voxlake.platform.jobs.runner import is_held, this_process
from voxlake.platform.jobs.tables import jobs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

LEASE_S = 60.0
"""Seconds after which a runner on another machine that has not been heard of counts as lost."""

MOST_LOSSES = 3
"""A queued job that lost so many runners in a row, with no task done, is not given to another."""

NOT_RUNNING: Mapping[str, None] = {"lease_until": None, "dashboard": None}
"""What goes when a run ends, by the names of a job's columns."""

type _Row = Row[tuple[Any, ...]]


def database_time(connection: Connection) -> datetime:
    """Return the present moment by the clock that leases go by."""
    if connection.dialect.name == "sqlite":
        return now()
    moment: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return moment


def locked_job(connection: Connection, job: str, *, shared: bool = False) -> _Row:
    """Return the job's row, which nobody else changes before the transaction ends.

    If `shared`, others may hold it unchanged at the same time.
    """
    query = select(jobs).where(jobs.c.id == job).with_for_update(read=shared)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no job {job}; list what there is with 'voxlake jobs'")
    return row


def claim_job(connection: Connection, job: str, lease_s: float) -> Claim:
    """Claim one job; raise ConflictError if it ended, or it or its dataset is being worked on."""
    row, moment = locked_job(connection, job), database_time(connection)
    if row.state in ENDED:
        raise ConflictError(f"job {job} is {row.state}; there is nothing left to do")
    if is_held(row, moment):
        raise ConflictError(
            f"job {job} is being run by process {row.pid} on {row.host}; wait for it, or cancel "
            f"it with: voxlake jobs cancel {job}"
        )
    _free_dataset(connection, row, moment)
    return _take(connection, row, moment, lease_s)


def claim_oldest(connection: Connection, lease_s: float) -> Claim | None:
    """Claim the oldest job of whose turn it is, of those whose dataset nobody works on.

    It is the turn of who has the fewest jobs running, and of those of whom nothing has run for the
    longest time: a thousand jobs of one user hold up another's one no longer than one of them
    takes. All that commands record is of one user, the lake's owner.

    A job that is queued as of a time that is to come waits for that.

    The jobs of a dataset are claimed in the order in which they were queued, by however many
    runners at once: what another transaction is just claiming still counts as queued before.
    """
    moment = database_time(connection)
    _free_lost(connection, moment)
    other = jobs.alias()
    queued_before = and_(
        other.c.state == JobState.QUEUED,
        tuple_(other.c.queued_at, other.c.id) < tuple_(jobs.c.queued_at, jobs.c.id),
    )
    in_the_way = select(other.c.id).where(
        other.c.node == jobs.c.node, or_(other.c.state == JobState.RUNNING, queued_before)
    )
    had = _had()
    oldest = (
        select(jobs)
        .outerjoin(had, had.c.user.is_not_distinct_from(jobs.c.user))
        .where(jobs.c.state == JobState.QUEUED, jobs.c.queued_at <= moment)
        .where(~in_the_way.exists())
        .order_by(func.coalesce(had.c.running, 0), had.c.last.asc().nulls_first())
        .order_by(jobs.c.queued_at, jobs.c.id)
        .limit(1)
        .with_for_update(skip_locked=True, of=jobs)
    )
    row = connection.execute(oldest).one_or_none()
    if row is None:
        return None
    # Who asked that it be given up means the next runner, where the one before has not heard.
    return _take(connection, row, moment, lease_s, cancel_asked=row.cancel_asked)


def _had() -> Subquery:
    """Return what each user has had of the workers: jobs that run, and when they last had one."""
    begun = select(
        jobs.c.user,
        func.count().filter(jobs.c.state == JobState.RUNNING).label("running"),
        func.max(jobs.c.updated_at).label("last"),
    )
    given = jobs.c.queued_at.is_not(None), jobs.c.state != JobState.QUEUED
    return begun.where(*given).group_by(jobs.c.user).subquery()


def change_claimed(connection: Connection, claim: Claim, change: dict[str, object]) -> None:
    """Change the job's row; raise LeaseLostError if the claim is no longer the newest."""
    mine = update(jobs).where(jobs.c.id == claim.job, jobs.c.fence == claim.fence)
    if connection.execute(mine.values(change)).rowcount == 0:
        raise _lost(claim, locked_job(connection, claim.job))


def check_claim(connection: Connection, claim: Claim, *, gets_on: bool = False) -> None:
    """Raise LeaseLostError if the claim is not the newest; it stays so for this transaction.

    If the job `gets_on`, the runners that it lost before have not died of it.
    """
    row = locked_job(connection, claim.job, shared=not gets_on)
    if row.fence != claim.fence:
        raise _lost(claim, row)
    if gets_on and row.losses:
        change_job(connection, claim.job, losses=0)


def change_job(connection: Connection, job: str, **columns: object) -> None:
    """Change the job's row, and say that it was."""
    change = update(jobs).where(jobs.c.id == job).values(updated_at=now(), **columns)
    connection.execute(change)


def free(connection: Connection, row: _Row, message: str, *, losses: int = 0) -> None:
    """Take the job from its runner, if it has one: back to the queue, or interrupted."""
    state = JobState.INTERRUPTED if row.queued_at is None else JobState.QUEUED
    if losses >= MOST_LOSSES:
        state, message = JobState.FAILED, f"{losses} runners in a row died of it; {message}"
    columns = {"message": message, "fence": row.fence + 1, "losses": losses, **NOT_RUNNING}
    change_job(connection, row.id, state=state.value, **columns)


def _free_dataset(connection: Connection, row: _Row, moment: datetime) -> None:
    """Make sure that no other job runs on the dataset of `row`."""
    running = select(jobs).where(jobs.c.node == row.node, jobs.c.state == JobState.RUNNING)
    other = connection.execute(running.where(jobs.c.id != row.id).with_for_update()).one_or_none()
    if other is None:
        return
    if is_held(other, moment):
        name = read_job(connection, other.id).dataset
        raise ConflictError(f"job {other.id} is at work on {name}; wait for it or cancel it")
    _free_lost_one(connection, other)


def _free_lost(connection: Connection, moment: datetime) -> None:
    """Free every job whose runner is lost; those that somebody is just changing are left alone."""
    running = select(jobs).where(jobs.c.state == JobState.RUNNING)
    for row in connection.execute(running.with_for_update(skip_locked=True)).all():
        if not is_held(row, moment):
            _free_lost_one(connection, row)


def _free_lost_one(connection: Connection, row: _Row) -> None:
    gone = f"its runner, process {row.pid} on {row.host}, is gone"
    free(connection, row, gone, losses=row.losses + 1)


def _take(
    connection: Connection,
    row: _Row,
    moment: datetime,
    lease_s: float,
    *,
    cancel_asked: bool = False,
) -> Claim:
    claim = Claim(row.id, row.fence + 1, lease_s)
    lost = row.state == JobState.RUNNING
    change_job(
        connection,
        row.id,
        **this_process(),
        state=JobState.RUNNING.value,
        message="",
        fence=claim.fence,
        losses=row.losses + lost,
        lease_until=moment + timedelta(seconds=lease_s),
        cancel_asked=cancel_asked,
        dashboard=None,
    )
    return claim


def _lost(claim: Claim, row: _Row) -> LeaseLostError:
    return LeaseLostError(
        f"job {claim.job} is no longer this process's: it was taken for dead or cancelled, and the "
        f"job is {row.state}, claimed {row.fence - claim.fence} times since; what was done is kept"
    )
