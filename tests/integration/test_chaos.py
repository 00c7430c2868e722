"""Two gateways and three workers on one catalog and one lake, while one after another is killed.

Every job ends well, none is run by two at once, what is shared is seen by the other gateway, and
all that was made is what an undisturbed run makes. ``make chaos`` does so for minutes.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import numpy as np
import numpy.typing as npt
import pytest
from tests.api.test_serve import PROGRAM

from voxlake.cli.opened.lake import make_lake
from voxlake.compute.jobs import (
    IngestRequest,
    Workspace,
    run_job,
    start_downsample,
    start_index,
    start_ingest,
)
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.labels.handle import open_labels
from voxlake.ngff.lake import Place, index_of
from voxlake.platform.catalog import DatasetState
from voxlake.platform.jobs.record import UNFINISHED, JobState
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.platform.jobs.record import Job

MINUTES = float(os.environ.get("VOXLAKE_CHAOS_MINUTES", "0"))
KILLS = 3
"""In CI; else one each minute."""
KILL_EVERY_S = 60.0 if MINUTES else 2.0
ASK_EVERY_S = 8.0 if MINUTES else 2.0
AT_ONCE = 5
"""Jobs that wait or run."""
PATIENCE_S = 240
GRANT_S = 5.0
"""A grant is seen by every gateway within so many seconds, on a machine that is not overrun."""
SOURCES = {
    "bodies": (f"phantom:32,40,{4000 if MINUTES else 1600}?kind=labels&seed=3", Kind.LABELS),
    "em": (f"phantom:40,64,{3000 if MINUTES else 1600}?kind=image&seed=4", Kind.IMAGE),
}
TASK_BYTES = 1


@dataclass
class Process:
    """A worker or a gateway, started anew whenever it was killed."""

    command: list[str]
    environment: dict[str, str]
    folder: Path
    logs: list[Path] = field(default_factory=list)
    running: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it, with a log of its own."""
        self.logs.append(self.folder / f"{len(self.logs)}.log")
        with self.logs[-1].open("w") as log:
            self.running = subprocess.Popen(
                self.command, stdout=subprocess.PIPE, stderr=log, text=True, env=self.environment
            )

    def kill(self) -> None:
        """Kill it (SIGKILL)."""
        assert self.running is not None
        assert self.running.poll() is None, self.logs[-1].read_text()
        self.running.kill()
        self.running.communicate()


@dataclass
class Installation:
    """What is disturbed, and how."""

    workspace: Workspace
    dice: random.Random
    workers: list[Process]
    gateways: list[Process]
    addresses: dict[int, tuple[str, str]] = field(default_factory=dict)
    """The URL and the owner's token of each gateway."""
    jobs: list[str] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    """Seconds until the other gateway saw a grant."""

    def start_gateway(self, number: int) -> None:
        """Start a gateway, and return when it answers."""
        gateway = self.gateways[number]
        gateway.start()
        assert gateway.running is not None
        assert gateway.running.stdout is not None
        url, _, token_file = json.loads(gateway.running.stdout.readline())
        self.addresses[number] = url, Path(token_file).read_text(encoding="ascii")

    def ask(self, number: int, method: str, path: str, token: str = "", **rest: Any) -> int:
        """Ask a gateway, as its owner or by a token; return the status."""
        url, owner = self.addresses[number]
        headers = {"Authorization": f"Bearer {token or owner}"}
        return httpx2.request(method, url + path, headers=headers, timeout=60, **rest).status_code

    def queue_one(self) -> None:
        """Queue the job of a new dataset, or another of one that there is."""
        catalog = self.workspace.catalog
        idle = [
            record
            for record in catalog.list_datasets()
            if record.state is DatasetState.READY and not catalog.ledger.jobs_about(record.name)
        ]
        if idle and self.dice.random() < 0.5:
            record = self.dice.choice(idle)
            start = start_index if record.kind == "labels" else start_downsample
            start = self.dice.choice([start, start_downsample])
            self._queue(start(self.workspace, record.name))
            return
        source, kind = SOURCES[kept := self.dice.choice(sorted(SOURCES))]
        name = DatasetName("chaos", kept, f"n{len(self.jobs)}")
        self._queue(start_ingest(self.workspace, request(name, source, kind)))

    def _queue(self, job: Job) -> None:
        self.jobs.append(job.id)
        self.workspace.catalog.ledger.enqueue(job.id)

    def disturb(self) -> None:
        """Kill one of them; of two gateways the other answers meanwhile."""
        victim = self.dice.randrange(len(self.workers) + len(self.gateways))
        if victim < len(self.workers):
            self.workers[victim].kill()
            self.workers[victim].start()
            return
        number = victim - len(self.workers)
        self.gateways[number].kill()
        assert self.ask(1 - number, "GET", "/v2/datasets") == 200
        self.start_gateway(number)

    def share(self, token: str) -> None:
        """Share a place by one gateway, look for it by the other, and take it back."""
        by = self.dice.randrange(2)
        self.workspace.catalog.collections.add([place := f"p{len(self.late)}"])
        where, role = {"place": place}, {"role": "viewer"}
        assert self.ask(1 - by, "GET", f"/v2/collections/{place}", token) == 404
        assert self.ask(by, "PUT", "/v2/shares/ada", params=where, json=role) == 200
        self.late.append(self._waited(1 - by, place, token, 200))
        assert self.ask(by, "DELETE", "/v2/shares/ada", params=where) == 204
        self.late.append(self._waited(1 - by, place, token, 404))

    def _waited(self, number: int, place: str, token: str, status: int) -> float:
        began = time.monotonic()
        while self.ask(number, "GET", f"/v2/collections/{place}", token) != status:
            assert time.monotonic() - began < PATIENCE_S
            time.sleep(0.05)
        return time.monotonic() - began

    def unfinished(self) -> int:
        """Return how many jobs have not ended."""
        ledger = self.workspace.catalog.ledger
        return sum(ledger.get_job(job).state in UNFINISHED for job in self.jobs)

    def wait_for_jobs(self) -> list[Job]:
        """Return the jobs when all have ended."""
        deadline = time.monotonic() + PATIENCE_S + 60 * MINUTES
        ledger = self.workspace.catalog.ledger
        while self.unfinished():
            assert time.monotonic() < deadline, [ledger.get_job(job) for job in self.jobs]
            time.sleep(0.2)
        return [ledger.get_job(job) for job in self.jobs]

    def runs(self) -> Counter[str]:
        """Return how often each job was begun, but for runs that a kill ended."""
        found: Counter[str] = Counter()
        for log in (log for worker in self.workers for log in worker.logs):
            lines = [line for line in log.read_text().splitlines() if line.startswith("job ")]
            found.update(line.split()[1] for line in lines if line.endswith(" begins"))
            if lines and lines[-1].endswith(" begins"):
                found[lines[-1].split()[1]] -= 1
        return found


def request(name: DatasetName, source: str, kind: Kind) -> IngestRequest:
    """Return what is ingested."""
    return IngestRequest(source, Place(name, kind), index=kind is Kind.LABELS)


@pytest.fixture
def installation(
    s3_store: StoreURL,
    postgres_url: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> Iterator[Installation]:
    seed = int(request.config.option.hypothesis_seed)
    settings = Settings(database_url=postgres_url, task_bytes=TASK_BYTES)
    make_lake(s3_store, settings)
    environment = os.environ | {"VOXLAKE_DATABASE_URL": postgres_url, "VOXLAKE_WORKERS": "0"}

    def process(name: str, *command: str) -> Process:
        (tmp_path / name).mkdir()
        return Process([sys.executable, *command], environment, tmp_path / name)

    words = "-m", "voxlake.cli", "worker", "--lake", str(s3_store), "--poll", "0.2"
    workers = [process(f"worker-{number}", *words) for number in range(3)]
    gateways = [
        process(f"gateway-{number}", "-c", PROGRAM, str(s3_store), str(tmp_path / f"s{number}"))
        for number in range(2)
    ]
    with ExitStack() as stack:
        workspace = stack.enter_context(Workspace.opened(s3_store, settings))
        made = Installation(workspace, random.Random(seed), workers, gateways)
        stack.callback(_end, [*workers, *gateways])
        for worker in workers:
            worker.start()
        for number in range(2):
            made.start_gateway(number)
        yield made


def _end(processes: list[Process]) -> None:
    for process in processes:
        if process.running is not None:
            process.running.kill()
            process.running.communicate()


@dataclass(frozen=True)
class Made:
    """What is in a dataset: the voxels of its levels, and what its label index knows."""

    levels: tuple[npt.NDArray[Any], ...]
    labels: tuple[tuple[int, int], ...]


def made(workspace: Workspace, name: DatasetName) -> Made:
    """Read all of a dataset."""
    place = workspace.place(name)
    dataset = workspace.dataset(place)
    volumes = map(dataset.level, range(dataset.levels))
    levels = tuple(volume.read(volume.box).result() for volume in volumes)
    if place.kind is Kind.IMAGE:
        return Made(levels, ())
    labels = open_labels(workspace.address(place), index_of(workspace.lake, place))
    table = labels.view().all()
    return Made(levels, tuple(zip(table.labels.tolist(), table.voxels.tolist(), strict=True)))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Made]:
    """What each source becomes, on a folder, by nobody but this process."""
    folder = tmp_path_factory.mktemp("undisturbed")
    settings = Settings(
        database_url=f"sqlite:///{folder}/catalog.sqlite", task_bytes=TASK_BYTES, workers=0
    )
    with Workspace.opened(StoreURL.parse(str(folder / "lake")), settings) as workspace:
        found = {}
        for kept, (source, kind) in SOURCES.items():
            name = DatasetName("chaos", kept, "one")
            run_job(workspace, start_ingest(workspace, request(name, source, kind)))
            found[kept] = made(workspace, name)
        return found


@pytest.mark.timeout(600 + 180 * MINUTES)
def test_whoever_is_killed_every_job_ends_well(
    installation: Installation, undisturbed: dict[str, Made]
) -> None:
    catalog, dice = installation.workspace.catalog, installation.dice
    catalog.people.add_user("ada")
    _, token = catalog.tokens.make("ada", "laptop")
    began = time.monotonic()
    kill_at, ask_at, kills = began + KILL_EVERY_S, began, 0
    while kills < KILLS or time.monotonic() - began < 60 * MINUTES:
        if time.monotonic() >= ask_at:
            ask_at = time.monotonic() + ASK_EVERY_S
            if installation.unfinished() < AT_ONCE:
                installation.queue_one()
            installation.share(token)
        if time.monotonic() >= kill_at:
            kill_at = time.monotonic() + KILL_EVERY_S * dice.uniform(0.5, 1.5)
            installation.disturb()
            kills += 1
        time.sleep(0.1)
    jobs = installation.wait_for_jobs()
    assert {job.id: (job.state, job.message) for job in jobs} == {
        job.id: (JobState.DONE, "") for job in jobs
    }
    assert {job.id: count for job, count in zip(jobs, _runs(installation, jobs), strict=True)} == {
        job.id: 1 for job in jobs
    }
    for record in catalog.list_datasets():
        assert record.state is DatasetState.READY
        found, want = made(installation.workspace, record.name), undisturbed[record.name.experiment]
        assert found.labels == want.labels
        for level, same in zip(found.levels, want.levels, strict=True):
            np.testing.assert_array_equal(level, same)
    slowest = max(installation.late)
    told = f"{kills} kills, {len(jobs)} jobs, grants seen after {slowest:.2f} s at most\n"
    sys.stdout.write(told)
    if MINUTES:
        assert slowest < GRANT_S


def _runs(installation: Installation, jobs: list[Job]) -> list[int]:
    runs = installation.runs()
    return [runs[job.id] for job in jobs]
