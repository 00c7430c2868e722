"""Workers say that they are there; one that is silent for long counts as lost."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import update

from voxlake.platform.database import now
from voxlake.platform.jobs.tables import jobs, workers
from voxlake.platform.jobs.workers import LOST_S, Presence, list_workers
from voxlake.platform.names import DatasetName

if TYPE_CHECKING:
    from voxlake.platform.catalog import Catalog


def silence(catalog: Catalog, seconds: float) -> None:
    """Let all workers have been silent for so long."""
    with catalog.database.write() as connection:
        moment = now() - timedelta(seconds=seconds)
        connection.execute(update(workers).values(seen_at=moment))


def test_who_waits_is_heard_of_until_it_ends(catalog: Catalog) -> None:
    here, other = Presence(catalog.database), Presence(catalog.database)
    for each in (here, other, here):
        each.tell()
    assert [(each.job, each.lives) for each in list_workers(catalog.database)] == [(None, True)] * 2
    here.end()
    other.end()
    assert list_workers(catalog.database) == []


def test_who_is_silent_for_long_is_lost_unless_it_holds_its_job(catalog: Catalog) -> None:
    job = catalog.ledger.create_job("ingest", DatasetName.parse("a/b/c"), {}).id
    catalog.ledger.claim(job)
    presence = Presence(catalog.database)
    presence.tell(job)
    silence(catalog, LOST_S + 10)
    [worker] = list_workers(catalog.database)
    assert (worker.job, worker.lives) == (job, True)
    with catalog.database.write() as connection:
        connection.execute(update(jobs).values(pid_started=1.0))
    [worker] = list_workers(catalog.database)
    assert not worker.lives
    presence.tell()
    assert list_workers(catalog.database)[0].lives


def test_who_is_silent_for_a_day_is_forgotten(catalog: Catalog) -> None:
    Presence(catalog.database).tell()
    silence(catalog, 25 * 3600)
    Presence(catalog.database).tell()
    [worker] = list_workers(catalog.database)
    assert worker.lives
