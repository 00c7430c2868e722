"""Who watches is told who runs jobs, and which jobs wait for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import update

from voxlake.platform.jobs.record import JobState
from voxlake.platform.jobs.runners import runners, troubled
from voxlake.platform.jobs.tables import jobs
from voxlake.platform.names import DatasetName

if TYPE_CHECKING:
    from voxlake.platform.catalog import Catalog


def make(catalog: Catalog, name: str) -> str:
    """Record a job."""
    return catalog.ledger.create_job("ingest", DatasetName.parse(name), {}).id


def test_a_runner_whose_process_is_gone_does_not_live(catalog: Catalog) -> None:
    here, gone = make(catalog, "a/b/here"), make(catalog, "a/b/gone")
    for job in (here, gone):
        catalog.ledger.claim(job)
    with catalog.database.write() as connection:
        connection.execute(update(jobs).where(jobs.c.id == gone).values(pid_started=1.0))
    found = {each.job: each for each in runners(catalog.database)}
    assert (found[here].lives, found[here].dataset) == (True, "a/b/here")
    assert not found[gone].lives


def test_the_jobs_that_are_told_are_the_newest_that_people_must_look_at(catalog: Catalog) -> None:
    made = [make(catalog, f"a/b/d{number}") for number in range(4)]
    for job, state in zip(made, (JobState.FAILED, JobState.DONE, JobState.DEGRADED), strict=False):
        catalog.ledger.set_state(catalog.ledger.claim(job), state, f"why {job}")
    assert [each.job for each in troubled(catalog.database, 9)] == [made[2], made[0]]
    [newest] = troubled(catalog.database, 1)
    assert (newest.state, newest.message) == (JobState.DEGRADED, f"why {made[2]}")
