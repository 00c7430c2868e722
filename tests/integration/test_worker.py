"""``voxlake worker``: real processes that share a queue, are stopped, killed, and cancelled."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from tests.installations import begin_lake
from tests.servers.dask import DaskCluster

from voxlake.compute.cluster.stream import WINDOW_PER_THREAD
from voxlake.compute.jobs import IngestRequest, Workspace, start_ingest
from voxlake.compute.jobs.cancelling import cancel_job
from voxlake.compute.passes.threads import available_cores
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.lake import Place
from voxlake.platform import store
from voxlake.platform.catalog import DatasetState
from voxlake.platform.errors import NotFoundError
from voxlake.platform.jobs.record import JobState
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from voxlake.platform.jobs.record import Job
    from voxlake.platform.store import StoreURL

SOURCE = "phantom:32,40,16000?kind=labels"
PLACE = Place(DatasetName.parse("queue/of/cells"), Kind.LABELS)
WINDOW = WINDOW_PER_THREAD * available_cores()
PATIENCE_S = 120


@dataclass(frozen=True)
class Queue:
    """A lake, and workers on it."""

    workspace: Workspace

    def ingest(self) -> Job:
        """Queue an ingest of 32 shards and more."""
        job = start_ingest(self.workspace, IngestRequest(SOURCE, PLACE))
        return self.workspace.catalog.ledger.enqueue(job.id)

    def job(self, job: Job) -> Job:
        """Return the job as it is by now."""
        return self.workspace.catalog.ledger.get_job(job.id)

    def worker(self, *words: str) -> subprocess.Popen[bytes]:
        """Start a worker."""
        options = ["--lake", str(self.workspace.lake), "--poll", "0.1", "--json", *words]
        return subprocess.Popen(
            [sys.executable, "-m", "voxlake.cli", "worker", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | {"VOXLAKE_WORKERS": "0"},
        )

    def shards(self) -> dict[StoreURL, str]:
        """Return the shards of level 0 and their ETags: in a folder another if written again."""
        found = store.walk(self.workspace.lake / PLACE.key / "0" / "c")
        return {info.url: info.etag for info in found if not store.is_leftover(info.url.name)}

    def wait_for_half(self, job: Job, worker: subprocess.Popen[bytes]) -> dict[StoreURL, str]:
        """Return the shards of all tasks that the ledger says are done, once there are some."""
        deadline = time.monotonic() + PATIENCE_S
        ledger = self.workspace.catalog.ledger
        while not self.job(job).stages or ledger.count_done(job.id, "ingest") < 6:
            assert worker.poll() is None, worker.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return self.shards()

    def wait_for_state(self, job: Job, state: JobState) -> None:
        """Wait until the job is in a state."""
        deadline = time.monotonic() + PATIENCE_S
        while self.job(job).state is not state:
            assert time.monotonic() < deadline, self.job(job)
            time.sleep(0.02)

    def check_done(self, job: Job, before: dict[StoreURL, str]) -> None:
        """Check that the job is done and has redone no more than was in flight."""
        assert self.job(job).state is JobState.DONE
        assert self.workspace.catalog.get_dataset(PLACE.name).state is DatasetState.READY
        after = self.shards()
        assert len(after) == 32
        assert sum(after[url] != etag for url, etag in before.items()) <= WINDOW


def _end(worker: subprocess.Popen[bytes]) -> dict[str, Any]:
    output, notes = worker.communicate(timeout=PATIENCE_S)
    assert worker.returncode == 0, notes
    document = json.loads(output)
    assert isinstance(document, dict)
    return document


@pytest.fixture
def queue(lake: StoreURL) -> Iterator[Queue]:
    with Workspace.opened(begin_lake(lake), Settings(task_bytes=1)) as workspace:
        yield Queue(workspace)


def test_a_stopped_worker_hands_its_job_back(queue: Queue) -> None:
    job = queue.ingest()
    worker = queue.worker()
    before = queue.wait_for_half(job, worker)
    worker.send_signal(signal.SIGTERM)
    assert _end(worker) == {"jobs": 1, "ended": {"queued": 1}}
    found = queue.job(job)
    assert (found.state, found.lease_until) == (JobState.QUEUED, None)
    assert len(queue.shards()) == queue.workspace.catalog.ledger.count_done(job.id, "ingest")
    assert _end(queue.worker("--once")) == {"jobs": 1, "ended": {"done": 1}}
    after = queue.shards()
    assert {path: after[path] for path in before} == before
    queue.check_done(job, before)


def test_a_killed_worker_is_followed_by_another(queue: Queue) -> None:
    job = queue.ingest()
    first = queue.worker()
    before = queue.wait_for_half(job, first)
    second = queue.worker("--jobs", "1")
    first.kill()
    first.communicate()
    assert _end(second) == {"jobs": 1, "ended": {"done": 1}}
    queue.check_done(job, before)


def test_a_job_outlives_the_scheduler(queue: Queue, tmp_path: Path) -> None:
    """It goes back to the queue, and on where it was, once a scheduler is at the address again."""
    cluster = DaskCluster(tmp_path)
    cluster.start(workers=1)
    job = queue.ingest()
    worker = queue.worker("--scheduler", cluster.address)
    try:
        before = queue.wait_for_half(job, worker)
        cluster.stop()
        queue.wait_for_state(job, JobState.QUEUED)
        assert "Dask scheduler" in queue.job(job).message
        cluster.start(workers=1)
        queue.wait_for_state(job, JobState.DONE)
    finally:
        worker.terminate()
        cluster.stop()
    ended = _end(worker)["ended"]
    assert (ended["done"], ended["queued"] >= 1) == (1, True)
    queue.check_done(job, before)


def test_a_running_job_is_cancelled_from_elsewhere(queue: Queue) -> None:
    job = queue.ingest()
    worker = queue.worker("--jobs", "1", "--lease", "6")
    queue.wait_for_half(job, worker)
    asked = cancel_job(queue.workspace, job.id)
    assert (asked.state, asked.cancel_asked) == (JobState.RUNNING, True)
    assert _end(worker) == {"jobs": 1, "ended": {"cancelled": 1}}
    with pytest.raises(NotFoundError):
        queue.workspace.catalog.get_dataset(PLACE.name)
    assert queue.shards() == {}


def test_two_workers_share_a_queue(queue: Queue, lake: StoreURL) -> None:
    """Jobs of one dataset run one after another, whoever runs them; each runs once."""
    ingest = queue.ingest()
    jobs = [ingest, *(_queued_downsample(queue) for _ in range(2))]
    workers = [queue.worker("--once"), queue.worker("--once")]
    ran = [_end(worker)["jobs"] for worker in workers]
    left = queue.worker("--once")  # Those that waited while the others found nothing to run.
    assert sum(ran) + _end(left)["jobs"] == len(jobs)
    for job in jobs:
        found = queue.job(job)
        assert (found.state, found.fence) == (JobState.DONE, 2)  # queued, claimed


def _queued_downsample(queue: Queue) -> Job:
    ledger = queue.workspace.catalog.ledger
    spec = {"kind": "downsample", "name": str(PLACE.name), "kind_of_dataset": "labels"} | {
        "task_bytes": 1
    }
    return ledger.enqueue(ledger.create_job("downsample", PLACE.name, spec).id)
