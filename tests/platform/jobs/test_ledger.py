"""The job ledger, on SQLite and on PostgreSQL."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from voxlake.platform.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PlanChangedError,
)
from voxlake.platform.jobs.record import (
    JSON,
    UNFINISHED,
    Claim,
    Job,
    JobState,
    StageProgress,
    StageRecord,
    TaskFailure,
)
from voxlake.platform.jobs.runner import is_running
from voxlake.platform.names import DatasetName

if TYPE_CHECKING:
    from voxlake.platform.catalog import Catalog
    from voxlake.platform.jobs.ledger import Ledger
    from voxlake.platform.settings import Settings
    from voxlake.platform.store import StoreURL

NAME = DatasetName.parse("c/e/em")
SPEC: dict[str, JSON] = {"source": "/a/*.png", "levels": None, "box": [1, 2.5], "é": {"b": True}}


def _done(ledger: Ledger, job: str, stage: str) -> set[int]:
    return {index for index, is_done in enumerate(ledger.done_tasks(job, stage)) if is_done}


@pytest.fixture
def ledger(catalog: Catalog) -> Ledger:
    return catalog.ledger


WRITE = StageRecord("write", 100, "f1", voxels=1000)


@pytest.fixture
def claim(ledger: Ledger) -> Claim:
    claim = ledger.claim(ledger.create_job("ingest", NAME, SPEC).id)
    ledger.begin_stage(claim, WRITE)
    return claim


@pytest.fixture
def job(ledger: Ledger) -> Job:
    return ledger.create_job("ingest", NAME, SPEC)


def test_a_job_is_as_it_was_asked_for(ledger: Ledger) -> None:
    job = ledger.create_job("ingest", NAME, SPEC)
    assert (job.kind, job.dataset, job.spec) == ("ingest", NAME, SPEC)
    assert (job.state, job.stages, job.message) == (JobState.QUEUED, (), "")
    assert (job.host, job.pid) == (None, None)
    assert len(job.id) == 26
    assert job.created_at == job.updated_at
    assert ledger.get_job(job.id) == job


def test_jobs_are_listed_newest_first_with_their_stages(ledger: Ledger) -> None:
    jobs = [ledger.create_job("ingest", NAME, {"number": number}) for number in range(3)]
    claim = ledger.claim(jobs[1].id)
    for name in ("zeta", "alpha"):
        ledger.begin_stage(claim, StageRecord(name, 5, "f"))
    listed = ledger.list_jobs()
    assert [one.spec["number"] for one in listed] == [2, 1, 0]
    assert listed[1].stages == (StageRecord("zeta", 5, "f"), StageRecord("alpha", 5, "f"))
    assert listed == [ledger.get_job(one.id) for one in listed]


def test_jobs_of_a_dataset_are_chosen_by_kind_and_state(ledger: Ledger) -> None:
    other = DatasetName.parse("c/e/em2")
    made = [
        ledger.create_job(kind, name, {})
        for name in (NAME, other)
        for kind in ("ingest", "verify", "ingest")
    ]
    claim = ledger.claim(made[0].id)
    ledger.begin_stage(claim, StageRecord("zeta", 5, "f"))
    ledger.set_state(claim, JobState.DONE)
    listed = ledger.list_jobs()
    of_name = [job for job in listed if job.dataset == NAME]
    assert ledger.jobs_of(NAME) == of_name
    assert ledger.jobs_of(NAME, kind="ingest") == [j for j in of_name if j.kind == "ingest"]
    assert ledger.jobs_of(NAME, states={JobState.DONE}) == [ledger.get_job(made[0].id)]
    assert ledger.jobs_of(NAME, kind="ingest", states=UNFINISHED) == [ledger.get_job(made[2].id)]
    assert ledger.jobs_of(other, states={JobState.DONE}) == []
    assert ledger.jobs_of(NAME, states=()) == []


def test_states_carry_a_word(ledger: Ledger, claim: Claim) -> None:
    before = ledger.get_job(claim.job)
    for state in JobState:
        ledger.set_state(claim, state, f"now \0 \ud800 {state}")
        found = ledger.get_job(claim.job)
        assert (found.state, found.message) == (state, f"now \\x00 \\ud800 {state}")
    assert found.updated_at > before.updated_at


def test_a_dashboard_is_told_until_the_run_ends(ledger: Ledger, claim: Claim) -> None:
    there = "http://scheduler:8787/status"

    def told() -> str | None:
        return ledger.get_job(claim.job).dashboard

    ledger.set_dashboard(claim, there)
    ledger.set_state(claim, JobState.RUNNING, "it goes on")
    assert told() == there
    ledger.set_state(claim, JobState.DEGRADED)
    assert told() is None
    again = ledger.claim(claim.job)
    ledger.set_dashboard(again, there)
    ledger.release(again)
    assert told() is None
    lost = ledger.claim(claim.job, lease_s=0.01)
    ledger.set_dashboard(lost, there)
    time.sleep(0.02)
    ledger.claim(claim.job)
    assert told() is None


def test_a_stage_is_begun_again_with_the_same_plan_only(ledger: Ledger, claim: Claim) -> None:
    ledger.begin_stage(claim, WRITE)
    for changed in (replace(WRITE, fingerprint="f2"), replace(WRITE, tasks=99)):
        with pytest.raises(PlanChangedError, match="start a new job"):
            ledger.begin_stage(claim, changed)
    assert ledger.get_job(claim.job).stages == (WRITE,)


def test_a_stage_tells_how_far_it_is(ledger: Ledger, claim: Claim) -> None:
    progress = StageProgress(done=20, failed=1, voxels_done=200, bytes_done=50, tasks_per_s=4.0)
    ledger.set_progress(claim, "write", progress)
    (stage,) = ledger.get_job(claim.job).stages
    assert stage == replace(WRITE, progress=progress)
    assert stage.seconds_left == 20.0
    ledger.set_progress(claim, "write", replace(progress, tasks_per_s=None))
    assert ledger.get_job(claim.job).stages[0].seconds_left is None


def test_what_was_never_made(ledger: Ledger, claim: Claim) -> None:
    never = Claim("nothing", 1, 60)
    for ask in (ledger.get_job, ledger.claim, ledger.failures, ledger.cancel, ledger.enqueue):
        with pytest.raises(NotFoundError, match="no job"):
            ask("nothing")
    for write in (ledger.clear_failures, ledger.renew, ledger.release):
        with pytest.raises(NotFoundError, match="no job"):
            write(never)
    with pytest.raises(NotFoundError, match="no job"):
        ledger.set_state(never, JobState.DONE)
    with pytest.raises(NotFoundError, match="no job"):
        ledger.begin_stage(never, WRITE)
    with pytest.raises(NotFoundError, match="no stage"):
        ledger.record_done(claim, "other", {0: {}})
    with pytest.raises(NotFoundError, match="no stage"):
        ledger.done_tasks("nothing", "write")


@pytest.mark.parametrize("index", [-1, 100, 1 << 40])
def test_a_task_outside_the_stage_is_refused(ledger: Ledger, claim: Claim, index: int) -> None:
    with pytest.raises(InvalidInputError, match=r"\[0, 100\)"):
        ledger.record_done(claim, "write", {1: {}, index: {}})
    with pytest.raises(InvalidInputError, match=r"\[0, 100\)"):
        ledger.record_failure(claim, "write", index, "")
    assert _done(ledger, claim.job, "write") == set()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), b"bytes", object()])
def test_what_is_not_json_is_refused(ledger: Ledger, claim: Claim, value: JSON) -> None:
    with pytest.raises(InvalidInputError, match="JSON"):
        ledger.record_done(claim, "write", {0: {"value": value}})
    with pytest.raises(InvalidInputError, match="JSON"):
        ledger.create_job("ingest", NAME, {"value": value})
    assert _done(ledger, claim.job, "write") == set()


def test_a_traceback_may_hold_anything(ledger: Ledger, claim: Claim) -> None:
    ledger.record_failure(claim, "write", 0, "bad\0name \udcff é")
    assert ledger.failures(claim.job)[0].traceback == "bad\\x00name \\udcff é"


def test_who_gives_a_job_to_workers_again_has_its_tasks_tried_as_often_as_at_first(
    ledger: Ledger, claim: Claim
) -> None:
    other = ledger.claim(ledger.create_job("ingest", NAME.sibling("other"), {}).id)
    ledger.begin_stage(other, WRITE)
    for each in (claim, other):
        for _ in range(3):
            ledger.record_failure(each, "write", 7, "no")
        ledger.set_state(each, JobState.DEGRADED)
    ledger.enqueue(claim.job)
    assert ledger.failures(claim.job) == []
    assert ledger.failures(other.job)[0].attempts == 3
    assert ledger.record_failure(ledger.claim(claim.job), "write", 7, "no") == 1


class LedgerModel(RuleBasedStateMachine):
    """The ledger beside a dictionary of what it should say."""

    ledger: Ledger

    def __init__(self) -> None:
        super().__init__()
        dataset = DatasetName("c", "e", f"em{next(_numbers)}")
        self.job = self.ledger.create_job("ingest", dataset, {}).id
        self.claim = self.ledger.claim(self.job)
        for stage in ("a", "b"):
            self.ledger.begin_stage(self.claim, StageRecord(stage, 6, "f"))
        self.done: dict[tuple[str, int], dict[str, int]] = {}
        self.failed: dict[tuple[str, int], tuple[int, str]] = {}

    stages = st.sampled_from(["a", "b"])
    results = st.dictionaries(st.integers(0, 5), st.dictionaries(st.text("xy"), st.integers()))

    @rule(stage=stages, results=results)
    def record_done(self, stage: str, results: dict[int, dict[str, int]]) -> None:
        self.ledger.record_done(self.claim, stage, results)
        for index, result in results.items():
            self.done[stage, index] = result
            self.failed.pop((stage, index), None)

    @rule(stage=stages, index=st.integers(0, 5), words=st.text("xy"))
    def record_failure(self, stage: str, index: int, words: str) -> None:
        attempts = self.ledger.record_failure(self.claim, stage, index, words)
        if (stage, index) in self.done:
            assert attempts == 0
            return
        before, _ = self.failed.get((stage, index), (0, ""))
        assert attempts == before + 1
        self.failed[stage, index] = (attempts, words)

    @rule()
    def clear_failures(self) -> None:
        self.ledger.clear_failures(self.claim)
        self.failed.clear()

    @rule()
    def change_runner(self) -> None:
        old = self.claim
        self.ledger.release(old)
        self.claim = self.ledger.claim(self.job)
        assert self.claim.fence > old.fence

    @invariant()
    def says_what_happened(self) -> None:
        for stage in ("a", "b"):
            done = {index: result for (name, index), result in self.done.items() if name == stage}
            assert _done(self.ledger, self.job, stage) == set(done)
            assert self.ledger.count_done(self.job, stage) == len(done)
            assert list(self.ledger.results(self.job, stage)) == [done[i] for i in sorted(done)]
            often = [a for (name, _), (a, _) in self.failed.items() if name == stage and a >= 2]
            assert self.ledger.count_failed(self.job, stage, 2) == len(often)
        failures = [
            TaskFailure(stage, index, *self.failed[stage, index])
            for stage, index in sorted(self.failed)
        ]
        assert self.ledger.failures(self.job) == failures
        assert self.ledger.failures(self.job, limit=1) == failures[:1]


_numbers = itertools.count()


def test_it_says_what_happened(ledger: Ledger) -> None:
    model = type("Model", (LedgerModel,), {"ledger": ledger})
    run_state_machine_as_test(
        model, settings=settings(max_examples=12, stateful_step_count=12, deadline=None)
    )


def test_jobs_do_not_mix(ledger: Ledger, claim: Claim) -> None:
    other = ledger.claim(ledger.create_job("ingest", NAME.sibling("other"), {}).id)
    ledger.begin_stage(other, WRITE)
    ledger.record_done(other, "write", {1: {"a": 1}})
    ledger.record_failure(other, "write", 2, "no")
    assert _done(ledger, claim.job, "write") == set()
    assert ledger.failures(claim.job) == []
    ledger.clear_failures(claim)
    assert len(ledger.failures(other.job)) == 1


def test_many_threads_record_at_once(ledger: Ledger, claim: Claim) -> None:
    ledger.begin_stage(claim, StageRecord("many", 400, "f"))

    def record(index: int) -> None:
        if index % 4 == 0:
            ledger.record_failure(claim, "many", index % 8, "no")
        ledger.record_done(claim, "many", {index: {"index": index}})

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(record, range(400)))
    assert _done(ledger, claim.job, "many") == set(range(400))
    assert [one["index"] for one in ledger.results(claim.job, "many")] == list(range(400))
    assert ledger.failures(claim.job) == []


def test_failures_counted_by_many_threads_are_not_lost(ledger: Ledger, claim: Claim) -> None:
    with ThreadPoolExecutor(8) as threads:
        counts = threads.map(lambda _: ledger.record_failure(claim, "write", 7, "no"), range(40))
        assert sorted(counts) == list(range(1, 41))


def test_a_million_tasks(ledger: Ledger, claim: Claim) -> None:
    begin = time.process_time()
    ledger.begin_stage(claim, StageRecord("huge", 10**6, "f"))
    assert _done(ledger, claim.job, "huge") == set()
    assert time.process_time() - begin < 1
    for start in range(0, 50_000, 10_000):
        ledger.record_done(claim, "huge", {i: {} for i in range(start, start + 10_000)})
    begin = time.process_time()
    tracemalloc.start()
    try:
        done = ledger.done_tasks(claim.job, "huge")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # A byte a task, and a page of rows: a set of numbers would take 60 bytes a task.
    assert peak < 10**6 + 4_000_000
    assert done.count(1) == 50_000
    assert done.find(0) == 50_000
    assert sum(1 for _ in ledger.results(claim.job, "huge")) == 50_000
    assert time.process_time() - begin < 10


CLAIM = """
import sys
from voxlake.platform.catalog import open_catalog
from voxlake.platform.errors import ConflictError
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL
with open_catalog(StoreURL.parse(sys.argv[1]), Settings()) as catalog:
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        catalog.ledger.claim(sys.argv[2])
        print("claimed", flush=True)
    except ConflictError:
        print("refused", flush=True)
    sys.stdin.readline()
"""


def test_of_two_claimers_one_wins_and_a_killed_one_is_followed(
    lake: StoreURL, any_database: Settings, ledger: Ledger, job: Job,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    if any_database.database_url:
        monkeypatch.setenv("VOXLAKE_DATABASE_URL", any_database.database_url.get_secret_value())
    assert not is_running(job)
    claimers = [
        subprocess.Popen(
            [sys.executable, "-c", CLAIM, str(lake), job.id],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    try:
        said = [_say_go(claimer) for claimer in claimers]
        answers = [_line(claimer) for claimer in claimers]
        assert (said, sorted(answers)) == (["ready\n"] * 2, ["claimed\n", "refused\n"])
        winner = claimers[answers.index("claimed\n")]
        claimed = ledger.get_job(job.id)
        assert (claimed.state, claimed.pid) == (JobState.RUNNING, winner.pid)
        assert is_running(claimed)
        with pytest.raises(ConflictError, match=f"process {winner.pid}"):
            ledger.claim(job.id)
        winner.kill()
        # Its parent has not asked for its end yet: it is a zombie, and dead all the same.
        deadline = time.monotonic() + 60
        while is_running(claimed) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not is_running(claimed)
        again = ledger.claim(job.id)
        assert again.fence == claimed.fence + 1
        assert ledger.get_job(job.id).pid == os.getpid()
        assert is_running(ledger.get_job(job.id))
    finally:
        for claimer in claimers:
            claimer.kill()
            claimer.communicate()


def _say_go(claimer: subprocess.Popen[str]) -> str:
    assert claimer.stdin is not None
    said = _line(claimer)
    claimer.stdin.write("go\n")
    claimer.stdin.flush()
    return said


def _line(claimer: subprocess.Popen[str]) -> str:
    assert claimer.stdout is not None
    return claimer.stdout.readline()


def test_a_job_that_ended_is_not_running(ledger: Ledger, claim: Claim) -> None:
    assert is_running(ledger.get_job(claim.job))
    ledger.set_state(claim, JobState.FAILED)
    assert not is_running(ledger.get_job(claim.job))
    done = ledger.claim(claim.job)
    ledger.set_state(done, JobState.DONE)
    assert not is_running(ledger.get_job(claim.job))
    with pytest.raises(ConflictError, match="nothing left"):
        ledger.claim(claim.job)


def test_another_process_with_the_same_pid_is_another(ledger: Ledger, claim: Claim) -> None:
    claimed = ledger.get_job(claim.job)
    assert claimed.pid_started is not None
    assert not is_running(replace(claimed, pid_started=claimed.pid_started - 60))
