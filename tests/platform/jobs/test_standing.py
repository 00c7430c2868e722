"""Who watches is told how all jobs stand."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from voxlake.platform.database import now
from voxlake.platform.jobs.record import JobState
from voxlake.platform.jobs.standing import standing
from voxlake.platform.jobs.tables import jobs
from voxlake.platform.names import DatasetName

if TYPE_CHECKING:
    from voxlake.platform.catalog import Catalog


def test_a_lake_without_jobs_has_none_in_any_state(catalog: Catalog) -> None:
    found = standing(catalog.database)
    assert found.jobs == dict.fromkeys(JobState, 0)
    assert found.waited_s == 0


def test_jobs_are_counted_and_the_oldest_that_waits_is_told(catalog: Catalog) -> None:
    made = [
        catalog.ledger.create_job("ingest", DatasetName.parse(f"a/b/d{number}"), {})
        for number in range(4)
    ]
    for job in made[:2]:
        catalog.ledger.enqueue(job.id)
    catalog.ledger.cancel(made[3].id)
    with catalog.database.write() as connection:
        moment = now() - timedelta(hours=1)
        connection.execute(update(jobs).where(jobs.c.id == made[0].id).values(queued_at=moment))
    found = standing(catalog.database)
    assert found.jobs[JobState.QUEUED] == 3
    assert found.jobs[JobState.CANCELLED] == 1
    assert found.waited_s == pytest.approx(3600, abs=60)


def test_who_does_not_wait_in_the_queue_is_not_waited_for(catalog: Catalog) -> None:
    job = catalog.ledger.create_job("ingest", DatasetName.parse("a/b/c"), {})
    assert standing(catalog.database).waited_s == 0
    catalog.ledger.enqueue(job.id)
    catalog.ledger.claim(job.id)
    found = standing(catalog.database)
    assert (found.jobs[JobState.RUNNING], found.waited_s) == (1, 0)
