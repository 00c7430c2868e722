"""What only grows is kept for as long as is said, on SQLite and on PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select, text, update

from voxlake.platform.catalog import Catalog, DatasetRecord, DatasetState
from voxlake.platform.catalog import retention as retention_module
from voxlake.platform.catalog.retention import Kept, Pruned
from voxlake.platform.catalog.tables import audit
from voxlake.platform.catalog.usage import Counts, Used
from voxlake.platform.database import now
from voxlake.platform.errors import NotFoundError, VoxlakeError
from voxlake.platform.jobs.record import JobState, StageRecord
from voxlake.platform.jobs.tables import done_tasks, failed_tasks, jobs, stages
from voxlake.platform.names import DatasetName

EM = DatasetName("lab", "brain", "em")


def _audit(catalog: Catalog, *ages: int) -> None:
    """Put down entries that are so many days old."""
    with catalog.database.write() as connection:
        for age in ages:
            row = {"at": now() - timedelta(days=age), "by": "ada", "action": "add user"}
            connection.execute(insert(audit).values(row | {"subject": str(age), "detail": ""}))


def test_by_default_all_is_kept_for_ever(catalog: Catalog) -> None:
    _audit(catalog, 9999)
    assert catalog.retention.prune(Kept()) == Pruned()
    assert len(catalog.audit.list_entries()) == 1


def test_entries_of_the_audit_go_and_that_is_one(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention_module, "AT_ONCE", 2)
    _audit(catalog, 90, 80, 70, 31, 29, 0)
    pruned = catalog.signed("root").retention.prune(Kept(audit=30))
    assert pruned == Pruned(audit=4)
    told = [(one.by, one.action, one.subject) for one in catalog.audit.list_entries()]
    before = f"before {now() - timedelta(days=30):%Y-%m-%d}"
    assert told == [
        *[("root", "prune audit", before)] * 2,
        ("ada", "add user", "0"),
        ("ada", "add user", "29"),
    ]
    assert catalog.retention.prune(Kept(audit=30)) == Pruned()
    for change in ("DELETE FROM audit", "UPDATE audit SET subject = 'x'"):
        with (
            pytest.raises(VoxlakeError, match="only added to"),
            catalog.database.write() as connection,
        ):
            connection.execute(text(change))
    assert len(catalog.audit.list_entries()) == 4


def test_what_was_used_goes_by_days_and_months(catalog: Catalog) -> None:
    catalog.add_dataset(DatasetRecord(EM, "image", None, "x", DatasetState.READY, False, now()))
    used = Used("", "ada", catalog.get_dataset(EM).node, "cutout")
    today = now()
    days = [f"{today - timedelta(days=age):%Y-%m-%d}" for age in (400, 399, 31, 29, 0)]
    catalog.usage.add({replace(used, day=day): Counts(1, 10) for day in days})
    assert catalog.retention.prune(Kept(usage=30)).usage >= 3
    assert catalog.usage.of_month(days[0][:7]) == {}
    [left] = catalog.usage.of_datasets(days[-1][:7])
    assert left.counts.requests == sum(day[:7] == days[-1][:7] for day in days[3:])
    # Sums of a month stay as long as a day of it does: limits go by them.
    months = catalog.usage.of_month(days[-1][:7])
    assert months["system"].requests == sum(day[:7] == days[-1][:7] for day in days)


def _job(catalog: Catalog, kind: str, state: JobState, age: int) -> str:
    """Record a job with a task that is done and one that failed, which ended days ago."""
    job = catalog.ledger.create_job(kind, EM, {})
    claim = catalog.ledger.claim(job.id)
    catalog.ledger.begin_stage(claim, StageRecord("write", 5, "x"))
    catalog.ledger.record_done(claim, "write", {4: {}})
    catalog.ledger.record_failure(claim, "write", 0, "no")
    catalog.ledger.set_state(claim, state)
    with catalog.database.write() as connection:
        ended = {"updated_at": now() - timedelta(days=age)}
        connection.execute(update(jobs).where(jobs.c.id == job.id).values(ended))
    return job.id


def test_jobs_that_ended_go_with_their_tasks(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention_module, "AT_ONCE", 2)
    catalog.add_dataset(DatasetRecord(EM, "image", None, "x", DatasetState.READY, False, now()))
    old = [
        _job(catalog, "verify", JobState.DONE, 31),
        _job(catalog, "ingest", JobState.CANCELLED, 31),
    ]
    kept = [
        _job(catalog, "ingest", JobState.DONE, 31),
        _job(catalog, "verify", JobState.FAILED, 31),
        _job(catalog, "verify", JobState.DONE, 29),
    ]
    assert catalog.retention.prune(Kept(jobs=30)) == Pruned(jobs=2)
    assert {job.id for job in catalog.ledger.list_jobs()} == {*kept}
    for each in old:
        with pytest.raises(NotFoundError):
            catalog.ledger.get_job(each)
    with catalog.database.read() as connection:
        for table in (stages, done_tasks, failed_tasks):
            count = select(func.count()).select_from(table)
            assert connection.execute(count).scalar_one() == 3
    catalog.remove_dataset(EM)
    assert catalog.retention.prune(Kept(jobs=30)) == Pruned(jobs=1)
