"""Kill -9 of the CLI, of workers and of the scheduler in the midst of a job: nothing is lost.

The job ingests, downsamples and indexes a long thin phantom, which has many small shards. A round
has 20 kills, at moments of its own; VOXLAKE_TEST_KILL_ROUNDS=5 makes it a hundred.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.installations import begin_lake
from tests.servers.dask import DaskCluster

from voxlake.compute.cluster.stream import WINDOW_PER_THREAD
from voxlake.compute.jobs import IngestRequest, Workspace, run_job, start_ingest
from voxlake.documents.problem import Problem
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.labels.bulk.build import building_url
from voxlake.ngff.labels.handle import Labels
from voxlake.ngff.labels.segments.manifest import newest_manifest
from voxlake.ngff.labels.sidecars.trust import index_status
from voxlake.ngff.labels.state import in_force
from voxlake.ngff.lake import Place
from voxlake.platform import store
from voxlake.platform.jobs.record import Job, JobState
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.ngff.volume import Volume

pytestmark = pytest.mark.timeout(900)

SOURCE = "phantom:32,40,16000?kind=labels"
PLACE = Place(DatasetName.parse("faults/phantom/cells"), Kind.LABELS)
WINDOW = WINDOW_PER_THREAD * 2
LOST = 2 * WINDOW
"""What a killed command may have to do again: what was in flight, and results too fresh to be
written, which the ledger gets every 0.05 seconds."""
PATIENCE_S = 180
"""Every run starts a command and sometimes a cluster, on machines that may be busy."""
KILLS = {"cli": 8, "worker": 8, "scheduler": 4}
ROUNDS = range(int(os.environ.get("VOXLAKE_TEST_KILL_ROUNDS", "1")))


@dataclass(frozen=True)
class Run:
    """A lake on which the job is run by the real command, and killed."""

    workspace: Workspace
    cluster: DaskCluster

    @property
    def lake(self) -> StoreURL:
        """Where the dataset is made."""
        return self.workspace.lake

    def command(self, *words: str) -> subprocess.Popen[bytes]:
        """Start ``voxlake``."""
        options = ["--lake", str(self.lake), "--scheduler", self.cluster.address, "--json"]
        return subprocess.Popen(
            [sys.executable, "-m", "voxlake.cli", *words, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"VOXLAKE_TASK_BYTES": "1"},
        )

    def begin(self) -> subprocess.Popen[bytes]:
        """Start the ingest."""
        return self.command(
            "ingest", SOURCE, str(PLACE.name), "--kind", "labels", "--voxel-size", "10nm", "--index"
        )

    def resume(self) -> subprocess.Popen[bytes]:
        """Go on with the job."""
        job = self.job()
        assert job is not None
        return self.command("jobs", "resume", job.id)

    def job(self) -> Job | None:
        """Return the last job of the lake; those before it are done."""
        jobs = self.workspace.catalog.ledger.list_jobs()
        assert all(job.state is JobState.DONE for job in jobs[1:])
        return jobs[0] if jobs else None

    def done(self) -> int:
        """Return how many tasks the ledger says are done."""
        job = self.job()
        return _count_done(self.workspace, job) if job else 0

    def stored(self) -> int:
        """Return how many shards are on the store; the sidecar of each is of the same task."""
        return sum("/c/" in info.url.key for info in store.walk(self.lake))


@pytest.fixture(scope="module")
def cluster(
    tmp_path_factory: pytest.TempPathFactory,
    reaching_lakes: None,
) -> Iterator[DaskCluster]:
    cluster = DaskCluster(tmp_path_factory.mktemp("logs"))
    cluster.start()
    yield cluster
    cluster.stop()


@pytest.fixture(scope="module")
def unkilled(tmp_path_factory: pytest.TempPathFactory) -> StoreURL:
    """The same job, left alone, in a folder."""
    lake = StoreURL.parse(str(tmp_path_factory.mktemp("unkilled")))
    settings = Settings(workers=0, task_bytes=1, database_url=None)
    with Workspace.opened(lake, settings) as workspace:
        run_job(workspace, start_ingest(workspace, IngestRequest(SOURCE, PLACE, index=True)))
    return lake


@pytest.fixture
def run(lake: StoreURL, cluster: DaskCluster) -> Iterator[Run]:
    with Workspace.opened(begin_lake(lake), Settings()) as workspace:
        yield Run(workspace, cluster)


def _moments(total: int, kills: int, seed: int) -> list[int]:
    """Return after how many done tasks to kill, ascending."""
    return sorted(random.Random(seed).sample(range(total - WINDOW), kills))


def _wait_for(run: Run, process: subprocess.Popen[bytes], done: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while run.done() < done and process.poll() is None:
        assert time.monotonic() < deadline, f"only {run.done()} of {done} tasks are done"
        time.sleep(0.02)
    if process.poll() is not None:
        output, _ = process.communicate()
        pytest.fail(f"the job ended before it could be killed, with {output!r}")


def _count_done(workspace: Workspace, job: Job) -> int:
    ledger = workspace.catalog.ledger
    return sum(ledger.count_done(job.id, stage.name) for stage in job.stages)


def _tasks(lake: StoreURL) -> int:
    with Workspace.opened(lake, Settings(database_url=None)) as workspace:
        return _count_done(workspace, workspace.catalog.ledger.list_jobs()[0])


def _finish(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    output, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, output
    document = json.loads(output)
    assert isinstance(document, dict)
    return document


def _check_equal(lake: StoreURL, unkilled: StoreURL) -> None:
    """Every object is there, none more, and the voxels of every level are the same bytes.

    Objects of a segment bear names of the job, but they are as many.
    """

    def objects(root: StoreURL) -> dict[str, bytes]:
        urls = [info.url for info in store.walk(root)]
        found = {url.key.removeprefix(root.key).lstrip("/"): url for url in urls}
        bodies = {key: store.read(url).body for key, url in found.items() if ".voxlake" not in key}
        return _with_neutral_names({key: _unmarked(body) for key, body in bodies.items()})

    mine, theirs = objects(lake), objects(unkilled)
    assert mine.keys() == theirs.keys()
    assert [key for key in mine if ".index/" not in key and mine[key] != theirs[key]] == []
    if lake.is_local:
        paths = [str(path) for path in lake.path.rglob("*") if path.is_file()]
        files = {path.removeprefix(f"{lake}/"): b"" for path in paths if ".voxlake" not in path}
        assert _with_neutral_names(files).keys() == mine.keys()
    with Workspace.opened(lake, Settings()) as workspace:
        volume = workspace.dataset(PLACE).level(0)
        status = index_status(Labels(volume, workspace.lake / PLACE.index_key))
        assert (status.stale, status.missing) == (0, 0)
        _check_segment(volume, workspace.lake / PLACE.index_key)
        assert workspace.catalog.ledger.list_jobs()[0].state is JobState.DONE


def _unmarked(body: bytes) -> bytes:
    """Return a document without the job that made it, and without the seal over that."""
    if b'"made_by"' not in body:
        return body
    document = json.loads(body)
    ours = document["attributes"]["voxlake"]
    assert ours.pop("whole")
    del ours["made_by"], ours["seal"]
    return json.dumps(document).encode()


def _with_neutral_names(objects: dict[str, bytes]) -> dict[str, bytes]:
    """Number the objects of segments, kind by kind, instead of naming them."""
    found: dict[str, bytes] = {}
    for key in sorted(objects):
        folder, _, name = key.rpartition("/")
        if folder.endswith("/runs"):
            ending = name.partition(".")[2]
            number = sum(other.endswith(f"/{ending}") for other in found)
            found[f"{folder}/{number}/{ending}"] = objects[key]
        else:
            found[key] = objects[key]
    return found


def _check_segment(volume: Volume, index: StoreURL) -> None:
    """One segment is in force, nothing is marked, and its labels are those that NumPy finds."""
    view = in_force(Labels(volume, index))
    assert (view.dirty, view.bulk) == ((), False)
    assert view.manifest is not None
    assert len(view.manifest.segments) == 1
    labels, counts = np.unique(volume.read(volume.box).result(), return_counts=True)
    found = Labels(volume, index).view().all()
    assert np.array_equal(found.labels, labels[labels != 0])
    assert np.array_equal(found.voxels, counts[labels != 0])


@pytest.mark.parametrize("round_", ROUNDS)
def test_killed_cli(run: Run, unkilled: StoreURL, round_: int) -> None:
    total = _tasks(unkilled)
    process = run.begin()
    for moment in _moments(total, KILLS["cli"], seed=3 * round_ + 1):
        _wait_for(run, process, moment)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        # What was on its way when the command died, and no more, may be done again.
        assert run.stored() - run.done() <= LOST
        done = run.done()
        process = run.resume()
    ran = _finish(process)["run"]["tasks"]
    assert ran <= total - done
    _check_equal(run.lake, unkilled)


@pytest.mark.parametrize("round_", ROUNDS)
def test_killed_workers(run: Run, unkilled: StoreURL, round_: int) -> None:
    process = run.begin()
    for moment in _moments(_tasks(unkilled), KILLS["worker"], seed=3 * round_ + 2):
        _wait_for(run, process, moment)
        run.cluster.kill_worker()
        run.cluster.start_worker()
    _finish(process)
    _check_equal(run.lake, unkilled)


@pytest.mark.parametrize("round_", ROUNDS)
def test_killed_scheduler(run: Run, unkilled: StoreURL, round_: int) -> None:
    total = _tasks(unkilled)
    process = run.begin()
    for moment in _moments(total, KILLS["scheduler"], seed=3 * round_ + 3):
        _wait_for(run, process, moment)
        run.cluster.kill_scheduler()
        output, _ = process.communicate(timeout=PATIENCE_S)
        assert process.returncode != 0
        assert Problem.model_validate_json(output).kind == "cluster-lost"
        assert run.stored() - run.done() <= LOST
        run.cluster.stop()
        run.cluster.start(workers=1)
        process = run.resume()
    _finish(process)
    _check_equal(run.lake, unkilled)


def test_killed_while_the_segment_by_label_is_built(run: Run) -> None:
    """The command dies once all shards are indexed, and as the few tasks after run."""
    _finish(run.begin())
    volume = run.workspace.dataset(PLACE).level(0)
    index = run.workspace.lake / PLACE.index_key
    before, after_shards = newest_manifest(index), len(list(volume.box.cells(volume.shard)))
    process = run.command("index", str(PLACE.name))
    kills = 0
    for moment in range(after_shards, after_shards + 3):
        _wait_until(run, moment, process)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if _state_of_index(run) is JobState.DONE:
            break
        kills += 1
        # Whatever is half done, another process gets answers, and they are right.
        labels = Labels(volume, index).view().all().labels
        assert np.array_equal(labels, np.unique(volume.read(volume.box).result())[1:])
        process = run.resume()
    else:
        _finish(process)
    after = newest_manifest(index)
    assert before is not None
    assert after is not None
    assert kills > 0
    assert after.segments[0].cover != before.segments[0].cover
    _check_segment(volume, index)
    assert list(store.walk(building_url(index))) == []


def _state_of_index(run: Run) -> JobState | None:
    job = run.job()
    return job.state if job is not None and job.kind == "index" else None


def _wait_until(run: Run, done: int, process: subprocess.Popen[bytes]) -> None:
    """Wait for the job that indexes to have done so many tasks, or for its command to end."""
    deadline = time.monotonic() + PATIENCE_S
    while process.poll() is None and (_state_of_index(run) is None or run.done() < done):
        assert time.monotonic() < deadline
        time.sleep(0.01)
