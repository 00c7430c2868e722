"""Leases: one runner a job, one job a dataset, and who comes too late writes nothing."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from voxlake.platform.errors import ConflictError, LeaseLostError
from voxlake.platform.jobs import leases, runner
from voxlake.platform.jobs.record import (
    COMMAND,
    AskedBy,
    Claim,
    JobState,
    StageProgress,
    StageRecord,
)
from voxlake.platform.jobs.runner import is_running
from voxlake.platform.names import DatasetName

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from voxlake.platform.catalog import Catalog
    from voxlake.platform.jobs.ledger import Ledger
    from voxlake.platform.settings import Settings
    from voxlake.platform.store import StoreURL

NAME = DatasetName.parse("c/e/em")
STAGE = StageRecord("write", 10, "f")
SHORT_S = 0.3


@pytest.fixture
def ledger(catalog: Catalog) -> Ledger:
    return catalog.ledger


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Callable[[], AbstractContextManager[None]]:
    """What is claimed within the block is claimed by a process that this machine cannot see."""

    @contextmanager
    def block() -> Iterator[None]:
        with monkeypatch.context() as patch:
            there = {"host": "elsewhere", "machine": "another boot", "pid": 4242}
            there |= {"pid_started": 0.0}
            patch.setattr(leases, "this_process", lambda: there)
            yield

    return block


def _job(ledger: Ledger, dataset: str = "em") -> str:
    return ledger.create_job("ingest", NAME.sibling(dataset), {}).id


def _queued(ledger: Ledger, dataset: str = "em", by: AskedBy = COMMAND) -> str:
    return ledger.enqueue(ledger.create_job("ingest", NAME.sibling(dataset), {}, by=by).id).id


def _done(ledger: Ledger, job: str, stage: str) -> set[int]:
    return {index for index, is_done in enumerate(ledger.done_tasks(job, stage)) if is_done}


WRITES: dict[str, Callable[[Ledger, Claim], object]] = {
    "done": lambda ledger, claim: ledger.record_done(claim, "write", {1: {}, 2: {}}),
    "failure": lambda ledger, claim: ledger.record_failure(claim, "write", 1, "no"),
    "state": lambda ledger, claim: ledger.set_state(claim, JobState.DONE),
    "stage": lambda ledger, claim: ledger.begin_stage(claim, StageRecord("more", 1, "f")),
    "progress": lambda ledger, claim: ledger.set_progress(claim, "write", StageProgress(9)),
    "dashboard": lambda ledger, claim: ledger.set_dashboard(claim, "http://h/status"),
    "clear": lambda ledger, claim: ledger.clear_failures(claim),
    "renew": lambda ledger, claim: ledger.renew(claim),
    "release": lambda ledger, claim: ledger.release(claim),
}


@pytest.mark.parametrize("write", WRITES)
def test_a_runner_that_was_overtaken_writes_nothing(ledger: Ledger, write: str) -> None:
    old = ledger.claim(_job(ledger), lease_s=0.01)
    ledger.begin_stage(old, STAGE)
    ledger.record_failure(old, "write", 3, "once")
    time.sleep(0.02)
    new = ledger.claim(old.job)
    before = ledger.get_job(old.job), ledger.failures(old.job)
    with pytest.raises(LeaseLostError, match="no longer"):
        WRITES[write](ledger, old)
    assert (ledger.get_job(old.job), ledger.failures(old.job)) == before
    assert _done(ledger, old.job, "write") == set()
    WRITES[write](ledger, new)


def test_a_late_runner_goes_on_while_nobody_else_claimed(ledger: Ledger) -> None:
    claim = ledger.claim(_job(ledger), lease_s=0.01)
    time.sleep(0.02)
    assert not is_running(ledger.get_job(claim.job))
    ledger.begin_stage(claim, STAGE)
    ledger.record_done(claim, "write", {1: {}})
    assert ledger.renew(claim) is False


def test_a_runner_that_is_alive_keeps_its_job(ledger: Ledger) -> None:
    claim = ledger.claim(_queued(ledger))
    with pytest.raises(ConflictError, match="being run by process"):
        ledger.claim(claim.job)
    with pytest.raises(ConflictError, match="being run"):
        ledger.enqueue(claim.job)
    assert ledger.claim_oldest() is None


def test_a_runner_elsewhere_is_lost_when_its_lease_ends_and_not_before(
    ledger: Ledger, elsewhere: Callable[[], AbstractContextManager[None]]
) -> None:
    job = _queued(ledger)
    with elsewhere():
        claim = ledger.claim_oldest(lease_s=SHORT_S)
        assert claim is not None
        for _ in range(4):  # Renewed, it lasts longer than it would.
            time.sleep(SHORT_S / 3)
            ledger.renew(claim)
            assert ledger.claim_oldest() is None
    with pytest.raises(ConflictError, match="4242 on elsewhere"):
        ledger.claim(job)
    time.sleep(SHORT_S + 0.1)
    taken = ledger.claim_oldest()
    assert taken is not None
    assert (taken.job, ledger.get_job(job).host == "elsewhere") == (job, False)
    with pytest.raises(LeaseLostError):
        ledger.renew(claim)


def test_a_dead_process_of_another_machine_with_this_name_is_not_judged_by_its_pid(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two containers may share a host name and each have a process 4242."""
    dead = runner.this_process() | {"machine": "another boot", "pid": 4242}
    monkeypatch.setattr(leases, "this_process", lambda: dead)
    claim = ledger.claim(_job(ledger))
    assert is_running(ledger.get_job(claim.job))


def test_a_dead_local_runner_is_followed_at_once(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = runner.this_process() | {"pid": 2**22 + 1}
    with monkeypatch.context() as patch:
        patch.setattr(leases, "this_process", lambda: gone)
        first = ledger.claim(_queued(ledger))
    second = ledger.claim_oldest()
    assert second is not None
    assert (second.job, second.fence > first.fence) == (first.job, True)


def test_the_oldest_comes_first_and_only_what_was_queued(ledger: Ledger) -> None:
    for_itself = _job(ledger, "own")
    late, early = _job(ledger, "b"), _queued(ledger, "a")
    ledger.enqueue(late)
    claims = [ledger.claim_oldest(), ledger.claim_oldest(), ledger.claim_oldest()]
    assert [claim.job if claim else None for claim in claims] == [early, late, None]
    assert ledger.get_job(for_itself).state is JobState.QUEUED


def test_many_jobs_of_one_user_hold_up_no_other(ledger: Ledger) -> None:
    """One worker: it takes turns between those who wait. Two: each has one of them."""
    ada, ben = AskedBy(1, "ada"), AskedBy(2, "ben")
    of_ada = [_queued(ledger, f"a{number}", ada) for number in range(6)]
    of_ben = [_queued(ledger, f"b{number}", ben) for number in range(2)]
    own = _queued(ledger, "own")
    for job in (of_ada[0], of_ben[0], own, of_ada[1]):
        claim = ledger.claim_oldest()
        assert claim is not None
        assert claim.job == job
        ledger.set_state(claim, JobState.DONE)
    beside = [ledger.claim_oldest() for _ in range(3)]
    assert [claim and claim.job for claim in beside] == [of_ben[1], of_ada[2], of_ada[3]]


def test_turns_do_not_change_the_order_on_a_dataset(ledger: Ledger) -> None:
    ada, ben = AskedBy(1, "ada"), AskedBy(2, "ben")
    first, second, third = (_queued(ledger, "em", who) for who in (ada, ada, ben))
    for job in (first, second, third):
        claim = ledger.claim_oldest()
        assert claim is not None
        assert claim.job == job
        ledger.set_state(claim, JobState.DONE)


def test_a_released_job_is_queued_again_or_interrupted(ledger: Ledger) -> None:
    for job, state in ((_queued(ledger, "a"), "queued"), (_job(ledger, "b"), "interrupted")):
        ledger.release(ledger.claim(job), "stopped")
        found = ledger.get_job(job)
        assert (found.state, found.message, found.lease_until) == (state, "stopped", None)
        assert not is_running(found)


def test_one_job_at_a_time_works_on_a_dataset(ledger: Ledger) -> None:
    first, second, other = _queued(ledger), _queued(ledger), _queued(ledger, "other")
    claim = ledger.claim(first)
    with pytest.raises(ConflictError, match=f"job {first} is at work on c/e/em"):
        ledger.claim(second)
    beside = ledger.claim_oldest()
    assert beside is not None
    assert beside.job == other
    assert ledger.claim_oldest() is None
    ledger.set_state(claim, JobState.DONE)
    after = ledger.claim_oldest()
    assert after is not None
    assert after.job == second


def test_a_dead_job_makes_way_on_its_dataset(ledger: Ledger) -> None:
    dead = ledger.claim(_job(ledger), lease_s=0.01)
    time.sleep(0.02)
    ledger.claim(_job(ledger))
    found = ledger.get_job(dead.job)
    assert (found.state, "is gone" in found.message) == (JobState.INTERRUPTED, True)
    with pytest.raises(LeaseLostError):
        ledger.set_state(dead, JobState.DONE)


def test_many_claim_at_once_and_each_job_is_claimed_once(ledger: Ledger) -> None:
    jobs = [_queued(ledger, f"em{number % 10}") for number in range(20)]
    claimed: list[str] = []

    def claim_until_empty(_: int) -> None:
        for _ in range(30):
            with suppress(ConflictError):
                claim = ledger.claim_oldest()
                if claim is not None:
                    claimed.append(claim.job)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(claim_until_empty, range(8)))
    assert Counter(claimed) == Counter(jobs[:10])
    running = [job for job in ledger.list_jobs() if job.state is JobState.RUNNING]
    assert len({job.dataset for job in running}) == len(running) == 10


def test_two_jobs_of_a_dataset_claimed_at_once(ledger: Ledger) -> None:
    """The race between looking for another running job and becoming one."""
    for number in range(5):
        jobs = [_job(ledger, f"em{number}") for _ in range(6)]

        def claim(job: str) -> bool:
            try:
                ledger.claim(job)
            except ConflictError:
                return False
            return True

        with ThreadPoolExecutor(6) as threads:
            assert sum(threads.map(claim, jobs)) == 1


def test_a_job_that_kills_its_runners_is_given_up(ledger: Ledger) -> None:
    job = _queued(ledger)
    for _ in range(leases.MOST_LOSSES):
        assert ledger.claim_oldest(lease_s=0.01) is not None
        time.sleep(0.02)
    assert ledger.claim_oldest() is None
    found = ledger.get_job(job)
    assert (found.state, "3 runners" in found.message) == (JobState.FAILED, True)
    ledger.enqueue(job)
    assert ledger.claim_oldest() is not None


def test_a_job_that_gets_on_may_lose_as_many_runners_as_it_likes(ledger: Ledger) -> None:
    _queued(ledger)
    for done in range(2 * leases.MOST_LOSSES):
        claim = ledger.claim_oldest(lease_s=0.01)
        assert claim is not None
        ledger.begin_stage(claim, STAGE)
        ledger.record_done(claim, "write", {done: {}})
        time.sleep(0.02)


def test_tasks_that_were_done_before_the_first_loss_do_not_count(ledger: Ledger) -> None:
    """A job that got on, and then kills whoever takes it."""
    job = _queued(ledger)
    for number in range(leases.MOST_LOSSES):
        claim = ledger.claim_oldest(lease_s=0.01)
        assert claim is not None
        ledger.begin_stage(claim, STAGE)
        if number == 0:
            ledger.record_done(claim, "write", {0: {}, 1: {}})
        ledger.set_progress(claim, "write", StageProgress(2, tasks_per_s=1.0))
        time.sleep(0.02)
    assert ledger.claim_oldest() is None
    assert ledger.get_job(job).state is JobState.FAILED


def test_cancel_asks_the_runner_and_takes_what_nobody_runs(ledger: Ledger) -> None:
    claim, idle = ledger.claim(_job(ledger, "a")), _queued(ledger, "b")
    asked = ledger.cancel(claim.job)
    assert (asked.state, asked.cancel_asked) == (JobState.RUNNING, True)
    assert ledger.renew(claim) is True
    ledger.set_state(claim, JobState.CANCELLED)
    assert ledger.cancel(idle).state is JobState.CANCELLED
    assert ledger.claim_oldest() is None
    for job in (claim.job, idle):
        with pytest.raises(ConflictError, match="nothing to cancel"):
            ledger.cancel(job)
        with pytest.raises(ConflictError, match="nothing left"):
            ledger.enqueue(job)


SLEEPER = """
import sys, time
from voxlake.platform.catalog import open_catalog
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL
with open_catalog(StoreURL.parse(sys.argv[1]), Settings()) as catalog:
    print(catalog.ledger.claim_oldest(lease_s=0.5).job, flush=True)
    time.sleep(600)
"""


def test_a_runner_that_hangs_loses_its_lease(
    lake: StoreURL, any_database: Settings, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It lives, and does not renew: a process that was stopped, or a machine that is asleep."""
    if any_database.database_url:
        monkeypatch.setenv("VOXLAKE_DATABASE_URL", any_database.database_url.get_secret_value())
    job = _queued(ledger)
    hanging = subprocess.Popen(
        [sys.executable, "-c", SLEEPER, str(lake)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert hanging.stdout is not None
        assert hanging.stdout.readline().strip() == job
        hanging.send_signal(signal.SIGSTOP)
        assert ledger.claim_oldest() is None
        time.sleep(0.6)
        assert ledger.claim_oldest() is not None
    finally:
        hanging.kill()
        hanging.communicate()
