"""Jobs that people ask for, and tasks that clients share, on SQLite and on PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from voxlake.platform.access import PUBLIC, Permission, Principal, Role
from voxlake.platform.catalog.data.jobs import JobPage
from voxlake.platform.errors import ConflictError, InvalidInputError, NotFoundError
from voxlake.platform.jobs.answers import answer_of, record_answer
from voxlake.platform.jobs.record import JobState, StageRecord
from voxlake.platform.jobs.sharing import SharedTasks
from voxlake.platform.names import DatasetName

if TYPE_CHECKING:
    from voxlake.platform.catalog import Catalog
    from voxlake.platform.jobs.record import JSON, Job

NAME = DatasetName.parse("lab/brain/em")
OTHER = DatasetName.parse("other/brain/em")
ASKED: dict[str, JSON] = {"kind": "start", "asked": {"kind": "ingest"}}
ALL = JobPage(100)


@pytest.fixture
def catalog(catalog: Catalog) -> Catalog:
    for collection in ("lab", "other"):
        catalog.collections.add([collection])
        catalog.collections.add([collection, "brain"])
    for user in ("ada", "bob"):
        catalog.people.add_user(user)
    return catalog


def principal(catalog: Catalog, name: str) -> Principal:
    groups = frozenset({PUBLIC, catalog.people.get_group(name).id})
    return Principal(name, groups=groups, user=catalog.people.get_user(name).id)


def begin(catalog: Catalog, who: str, name: DatasetName = NAME) -> Job:
    return catalog.jobs.begin("start", name, ASKED, principal(catalog, who), makes=True)


def test_who_asked_sees_a_job_of_no_dataset_and_others_by_their_rights(catalog: Catalog) -> None:
    job = begin(catalog, "ada")
    assert (job.by, job.becomes, job.queued_at is not None) == ("ada", "ingest", True)
    for who, own in (("ada", True), ("bob", False)):
        asker = principal(catalog, who)
        placed = catalog.jobs.find(job.id)
        assert placed is not None
        assert (Permission.UPDATE in placed.held_by(asker)) is own
        expected = [(job.id, True)] if own else []
        listed = catalog.jobs.list_allowed(asker, ALL)
        assert [(each.id, manages) for each, manages in listed] == expected
    catalog.shares.share(["lab"], "bob", Role.VIEWER)
    bob = principal(catalog, "bob")
    assert [manages for _, manages in catalog.jobs.list_allowed(bob, ALL)] == [False]
    catalog.shares.share(["lab"], "bob", Role.EDITOR)
    assert [manages for _, manages in catalog.jobs.list_allowed(bob, ALL)] == [True]
    assert catalog.jobs.list_allowed(bob, ALL, name=OTHER) == []
    assert catalog.jobs.list_allowed(bob, ALL, states={JobState.DONE}) == []
    assert catalog.jobs.find("0" * 26) is None


def test_of_many_who_ask_for_one_dataset_one_gets_it(catalog: Catalog) -> None:
    def ask(_: int) -> str:
        try:
            return begin(catalog, "ada").id
        except ConflictError:
            return ""

    with ThreadPoolExecutor(8) as pool:
        made = [each for each in pool.map(ask, range(16)) if each]
    assert len(made) == 1
    catalog.ledger.cancel(made[0])
    assert begin(catalog, "bob").id != made[0]


def test_a_job_becomes_another_and_answers(catalog: Catalog) -> None:
    job, ledger = begin(catalog, "ada"), catalog.ledger
    claim = ledger.claim(job.id)
    assert ledger.become(claim, "fsck", {"x": 1}).becomes == "fsck"
    assert answer_of(ledger, job.id) is None
    record_answer(ledger, claim, {"findings": []})
    record_answer(ledger, claim, {"findings": ["one"]})
    assert answer_of(ledger, job.id) == {"findings": ["one"]}


def test_what_is_to_be_cancelled_is_claimed_for_that_and_retried_without(catalog: Catalog) -> None:
    job, ledger = begin(catalog, "ada"), catalog.ledger
    assert ledger.cancel_by_worker(job.id).cancel_asked
    claim = ledger.claim_oldest()
    assert claim is not None
    assert ledger.renew(claim)
    ledger.set_state(claim, JobState.FAILED)
    assert not ledger.enqueue(job.id).cancel_asked
    ledger.cancel(job.id)
    with pytest.raises(ConflictError):
        ledger.cancel_by_worker(job.id)


def shared(catalog: Catalog, tasks: int = 100) -> SharedTasks:
    job = catalog.ledger.create_job("finish-upload", NAME, {})
    shared = SharedTasks(catalog.database, job.id, "upload")
    with pytest.raises(NotFoundError):
        shared.take("ada", 1, 9)
    for _ in range(2):
        shared.begin(StageRecord("upload", tasks, "", 8 * tasks))
    return shared


def test_each_task_is_done_by_one_of_many_clients(catalog: Catalog) -> None:
    work = shared(catalog)

    def client(number: int) -> list[int]:
        done: list[int] = []
        while taken := work.take(f"client {number}", 3, 1000).tasks:
            for task in taken:
                work.record_done(task, {"sha256": str(task)}, voxels=8, size=2)
            done += taken
        return done

    with ThreadPoolExecutor(8) as pool:
        done = [task for each in pool.map(client, range(8)) for task in each]
    assert sorted(done) == list(range(100))
    assert work.take("late", 3, 1000) == work.take("later", 3, 1000)
    (stage,) = catalog.ledger.get_job(work.job).stages
    progress = stage.progress
    assert (progress.done, progress.voxels_done, progress.bytes_done) == (100, 800, 200)
    assert catalog.ledger.count_done(work.job, "upload") == 100


def test_tasks_of_a_client_that_is_gone_are_given_to_others(catalog: Catalog) -> None:
    work = shared(catalog, 4)
    assert work.take("gone", 3, 0).tasks == (0, 1, 2)
    work.record_done(1, {}, voxels=8, size=0)
    taken = work.take("other", 9, 1000)
    assert (taken.tasks, taken.left) == ((0, 2, 3), 3)
    assert work.take("gone", 9, 1000).tasks == ()
    # What the one that was gone sends late is taken, once.
    for _ in range(2):
        work.record_done(0, {}, voxels=8, size=0)
    assert catalog.ledger.get_job(work.job).stages[0].progress.done == 2
    with pytest.raises(InvalidInputError):
        work.record_done(4, {}, voxels=8, size=0)


def test_nothing_is_taken_of_a_job_that_a_worker_has_or_that_ended(catalog: Catalog) -> None:
    work = shared(catalog)
    work.take("ada", 2, 1000)
    catalog.ledger.enqueue(work.job)
    for change in (catalog.ledger.claim, catalog.ledger.get_job):
        with pytest.raises(ConflictError):
            work.take("ada", 1, 9)
        with pytest.raises(ConflictError):
            work.record_done(0, {}, voxels=8, size=0)
        change(work.job)
