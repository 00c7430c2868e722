"""The job ledger, on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from voxlake.platform.catalog import Catalog, open_catalog
from voxlake.platform.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PlanChangedError,
)
from voxlake.platform.jobs import JSON, Job, JobState, Ledger, StageRecord, TaskFailure, is_running
from voxlake.platform.names import DatasetName

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.platform.settings import Settings
    from voxlake.platform.store import StoreURL

NAME = DatasetName.parse("c/e/em")
SPEC: dict[str, JSON] = {"source": "/a/*.png", "levels": None, "box": [1, 2.5], "é": {"b": True}}


@pytest.fixture
def catalog(lake: StoreURL, any_database: Settings) -> Iterator[Catalog]:
    with open_catalog(lake, any_database) as opened:
        yield opened


@pytest.fixture
def ledger(catalog: Catalog) -> Ledger:
    return catalog.ledger


@pytest.fixture
def job(ledger: Ledger) -> Job:
    created = ledger.create_job("ingest", NAME, SPEC)
    ledger.begin_stage(created.id, "write", 100, "f1")
    return ledger.get_job(created.id)


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
    for name in ("zeta", "alpha"):
        ledger.begin_stage(jobs[1].id, name, 5, "f")
    listed = ledger.list_jobs()
    assert [one.spec["number"] for one in listed] == [2, 1, 0]
    assert listed[1].stages == (StageRecord("zeta", 5, "f"), StageRecord("alpha", 5, "f"))
    assert listed == [ledger.get_job(one.id) for one in listed]


def test_states_carry_a_word(ledger: Ledger, job: Job) -> None:
    for state in JobState:
        ledger.set_state(job.id, state, f"now \0 \ud800 {state}")
        found = ledger.get_job(job.id)
        assert (found.state, found.message) == (state, f"now \\x00 \\ud800 {state}")
    assert found.updated_at > job.updated_at


def test_a_stage_is_begun_again_with_the_same_plan_only(ledger: Ledger, job: Job) -> None:
    ledger.begin_stage(job.id, "write", 100, "f1")
    for tasks, fingerprint in ((100, "f2"), (99, "f1")):
        with pytest.raises(PlanChangedError, match="start a new job"):
            ledger.begin_stage(job.id, "write", tasks, fingerprint)
    assert ledger.get_job(job.id).stages == (StageRecord("write", 100, "f1"),)


def test_what_was_never_made(ledger: Ledger, job: Job) -> None:
    for ask in (ledger.get_job, ledger.claim, ledger.failures, ledger.clear_failures):
        with pytest.raises(NotFoundError, match="no job"):
            ask("nothing")
    with pytest.raises(NotFoundError, match="no job"):
        ledger.set_state("nothing", JobState.DONE)
    with pytest.raises(NotFoundError, match="no job"):
        ledger.begin_stage("nothing", "write", 1, "f")
    with pytest.raises(NotFoundError, match="no stage"):
        ledger.record_done(job.id, "other", 0)
    with pytest.raises(NotFoundError, match="no stage"):
        ledger.done_tasks("nothing", "write")


@pytest.mark.parametrize("index", [-1, 100, 1 << 40])
def test_a_task_outside_the_stage_is_refused(ledger: Ledger, job: Job, index: int) -> None:
    with pytest.raises(InvalidInputError, match=r"\[0, 100\)"):
        ledger.record_done_many(job.id, "write", {1: {}, index: {}})
    with pytest.raises(InvalidInputError, match=r"\[0, 100\)"):
        ledger.record_failure(job.id, "write", index, "")
    assert ledger.done_tasks(job.id, "write") == set()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), b"bytes", object()])
def test_what_is_not_json_is_refused(ledger: Ledger, job: Job, value: JSON) -> None:
    with pytest.raises(InvalidInputError, match="JSON"):
        ledger.record_done(job.id, "write", 0, {"value": value})
    with pytest.raises(InvalidInputError, match="JSON"):
        ledger.create_job("ingest", NAME, {"value": value})
    assert ledger.done_tasks(job.id, "write") == set()


def test_a_traceback_may_hold_anything(ledger: Ledger, job: Job) -> None:
    ledger.record_failure(job.id, "write", 0, "bad\0name \udcff é")
    assert ledger.failures(job.id)[0].traceback == "bad\\x00name \\udcff é"


class LedgerModel(RuleBasedStateMachine):
    """The ledger beside a dictionary of what it should say."""

    ledger: Ledger

    def __init__(self) -> None:
        super().__init__()
        self.job = self.ledger.create_job("ingest", NAME, {}).id
        for stage in ("a", "b"):
            self.ledger.begin_stage(self.job, stage, 6, "f")
        self.done: dict[tuple[str, int], dict[str, int]] = {}
        self.failed: dict[tuple[str, int], tuple[int, str]] = {}

    stages = st.sampled_from(["a", "b"])
    results = st.dictionaries(st.integers(0, 5), st.dictionaries(st.text("xy"), st.integers()))

    @rule(stage=stages, results=results)
    def record_done(self, stage: str, results: dict[int, dict[str, int]]) -> None:
        self.ledger.record_done_many(self.job, stage, results)
        for index, result in results.items():
            self.done[stage, index] = result
            self.failed.pop((stage, index), None)

    @rule(stage=stages, index=st.integers(0, 5), words=st.text("xy"))
    def record_failure(self, stage: str, index: int, words: str) -> None:
        attempts = self.ledger.record_failure(self.job, stage, index, words)
        if (stage, index) in self.done:
            assert attempts == 0
            return
        before, _ = self.failed.get((stage, index), (0, ""))
        assert attempts == before + 1
        self.failed[stage, index] = (attempts, words)

    @rule()
    def clear_failures(self) -> None:
        self.ledger.clear_failures(self.job)
        self.failed.clear()

    @invariant()
    def says_what_happened(self) -> None:
        for stage in ("a", "b"):
            done = {index: result for (name, index), result in self.done.items() if name == stage}
            assert self.ledger.done_tasks(self.job, stage) == set(done)
            assert self.ledger.count_done(self.job, stage) == len(done)
            assert list(self.ledger.results(self.job, stage)) == [done[i] for i in sorted(done)]
        assert self.ledger.failures(self.job) == [
            TaskFailure(stage, index, *self.failed[stage, index])
            for stage, index in sorted(self.failed)
        ]


def test_it_says_what_happened(ledger: Ledger) -> None:
    model = type("Model", (LedgerModel,), {"ledger": ledger})
    run_state_machine_as_test(
        model, settings=settings(max_examples=12, stateful_step_count=12, deadline=None)
    )


def test_jobs_do_not_mix(ledger: Ledger, job: Job) -> None:
    other = ledger.create_job("ingest", NAME, {})
    ledger.begin_stage(other.id, "write", 100, "f1")
    ledger.record_done(other.id, "write", 1, {"a": 1})
    ledger.record_failure(other.id, "write", 2, "no")
    assert ledger.done_tasks(job.id, "write") == set()
    assert ledger.failures(job.id) == []
    ledger.clear_failures(job.id)
    assert len(ledger.failures(other.id)) == 1


def test_many_threads_record_at_once(ledger: Ledger, job: Job) -> None:
    ledger.begin_stage(job.id, "many", 400, "f")

    def record(index: int) -> None:
        if index % 4 == 0:
            ledger.record_failure(job.id, "many", index % 8, "no")
        ledger.record_done(job.id, "many", index, {"index": index})

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(record, range(400)))
    assert ledger.done_tasks(job.id, "many") == set(range(400))
    assert [one["index"] for one in ledger.results(job.id, "many")] == list(range(400))
    assert ledger.failures(job.id) == []


def test_failures_counted_by_many_threads_are_not_lost(ledger: Ledger, job: Job) -> None:
    with ThreadPoolExecutor(8) as threads:
        counts = threads.map(lambda _: ledger.record_failure(job.id, "write", 7, "no"), range(40))
        assert sorted(counts) == list(range(1, 41))


def test_a_million_tasks(ledger: Ledger, job: Job) -> None:
    begin = time.monotonic()
    ledger.begin_stage(job.id, "huge", 10**6, "f")
    assert ledger.done_tasks(job.id, "huge") == set()
    assert time.monotonic() - begin < 1
    for start in range(0, 50_000, 10_000):
        ledger.record_done_many(job.id, "huge", {i: {} for i in range(start, start + 10_000)})
    begin = time.monotonic()
    assert len(ledger.done_tasks(job.id, "huge")) == 50_000
    assert sum(1 for _ in ledger.results(job.id, "huge")) == 50_000
    assert time.monotonic() - begin < 5


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
        monkeypatch.setenv("VOXLAKE_DATABASE_URL", any_database.database_url)
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
        deadline = time.monotonic() + 5
        while is_running(claimed) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not is_running(claimed)
        assert ledger.claim(job.id).pid == os.getpid()
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


def test_a_job_that_ended_is_not_running(ledger: Ledger, job: Job) -> None:
    ledger.claim(job.id)
    assert is_running(ledger.claim(job.id))
    ledger.set_state(job.id, JobState.DONE)
    assert not is_running(ledger.get_job(job.id))


def test_another_process_with_the_same_pid_is_another(ledger: Ledger, job: Job) -> None:
    claimed = ledger.claim(job.id)
    assert claimed.pid_started is not None
    assert not is_running(replace(claimed, pid_started=claimed.pid_started - 60))


def test_a_job_that_runs_on_another_machine_is_taken_over_only_when_told(
    ledger: Ledger, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("socket.gethostname", lambda: "elsewhere")
        ledger.claim(job.id)
    assert not is_running(ledger.get_job(job.id))
    with pytest.raises(ConflictError, match="elsewhere"):
        ledger.claim(job.id)
    taken = ledger.claim(job.id, take_over=True)
    assert is_running(taken)
