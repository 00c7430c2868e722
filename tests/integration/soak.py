"""Two gateways and two workers under a mixed load for long: ``make soak``, which CI does not run.

Clients read cutouts, stored bytes and chunks of views, ask where labels are, and write labels,
while jobs make levels and indexes. A ramp at the beginning finds how many requests a second this
installation answers; then it is asked for 80 % of them. In the end no answer may have been an
error of the gateway, its memory, threads and descriptors stand still, all that was acknowledged is
there, and the label index is what the voxels say.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import httpx2
import numpy as np
import psutil
import pytest
from tests.api.lakes import Sample, add_sample, image_voxels, label_voxels
from tests.api.test_serve import PROGRAM

from voxlake.cli.opened.lake import make_lake
from voxlake.compute.jobs import Workspace, run_job, start_downsample, start_index
from voxlake.ngff.grid.box import Box
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.labels.handle import open_labels
from voxlake.ngff.lake import index_of
from voxlake.platform.jobs.record import UNFINISHED, JobState
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    from voxlake.platform.store import StoreURL

SECONDS = float(os.environ.get("VOXLAKE_SOAK_SECONDS", "1800"))
STEP_S = min(20.0, SECONDS / 20)
"""Of the ramp, for each number of clients."""
CLIENTS = (1, 2, 4, 8, 16)
SHARE = 0.8
"""Of the most that was answered."""
SAMPLE_S = 5.0
JOB_S = 30.0
EXTENT, SIDE = 128, 16
SHAPE = (EXTENT,) * 3
FIRST = 1_000_000
"""Of the labels that are written."""
CELLS, EM = DatasetName.parse("soak/brain/cells"), DatasetName.parse("soak/brain/em")
PATIENCE_S = 300
GROWN = 0.1
"""Share of its memory by which a process may grow in the second half: its caches are full then."""
GROWN_BYTES = 32 << 20
MORE_HANDLES = 16
"""Descriptors and threads that may come and go."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What a process had at one moment."""

    at: float
    rss: int
    descriptors: int
    threads: int


@dataclass
class Program:
    """A gateway or a worker, and what it had while it ran."""

    name: str
    running: subprocess.Popen[str]
    looked: list[Looked] = field(default_factory=list)

    def look(self, at: float) -> None:
        """Note what it has."""
        assert self.running.poll() is None, f"{self.name} has ended"
        process = psutil.Process(self.running.pid)
        with process.oneshot():
            has = process.memory_info().rss, process.num_fds(), process.num_threads()
        self.looked.append(Looked(at, *has))

    def verdict(self) -> str | None:
        """Return in what it grew in the second half; None if it stood still."""
        half = self.looked[len(self.looked) // 2 :]
        at = np.array([each.at for each in half])
        rss = np.array([each.rss for each in half], float)
        grown = np.polyfit(at, rss, 1)[0] * (at[-1] - at[0])
        if grown > max(GROWN * np.median(rss), GROWN_BYTES):
            return f"{self.name}: memory grew by {grown / 2**20:.0f} MiB"
        before = self.looked[: len(self.looked) // 2]
        for what in ("descriptors", "threads"):
            # Peaks come with load, which others share; what leaks is there at all times.
            usual, later = (median(getattr(e, what) for e in part) for part in (before, half))
            if later > usual + MORE_HANDLES:
                return f"{self.name}: {what} rose from {usual:.0f} to {later:.0f}"
        return None

    def told(self) -> str:
        """Return its figures."""
        first, half, last = (self.looked[n] for n in (0, len(self.looked) // 2, -1))
        rss = " ".join(f"{each.rss >> 20}" for each in (first, half, last))
        handles = " ".join(f"{each.descriptors}/{each.threads}" for each in (first, half, last))
        return f"{self.name}: MiB {rss}, descriptors/threads {handles}"


class Load:
    """Clients, each with boxes of its own to write to, and what they were answered."""

    def __init__(self, gateways: list[tuple[str, str]], seed: int) -> None:
        self.gateways, self.seed = gateways, seed
        self.voxels = label_voxels(SHAPE)
        """What is to be there."""
        self.statuses, self.times = Counter[int](), list[float]()
        self.failed = list[str]()
        self._lock = threading.Lock()
        self._number = FIRST

    def run(self, clients: int, seconds: float, rate: float | None = None) -> float:
        """Ask for so long, at a rate if it is given; return the requests a second."""
        stop = threading.Event()
        pace = Pace(rate)
        before = sum(self.statuses.values())
        began = time.monotonic()
        threads = [
            threading.Thread(target=self._client, args=(number, clients, pace, stop))
            for number in range(clients)
        ]
        for thread in threads:
            thread.start()
        time.sleep(seconds)
        stop.set()
        for thread in threads:
            thread.join(PATIENCE_S)
            assert not thread.is_alive(), "a request was never answered"
        return (sum(self.statuses.values()) - before) / (time.monotonic() - began)

    def _client(self, number: int, clients: int, pace: Pace, stop: threading.Event) -> None:
        dice = random.Random(f"{self.seed} {number} {clients} {pace.rate}")
        url, token = self.gateways[number % len(self.gateways)]
        headers = {"Authorization": f"Bearer {token}"}
        kinds: list[tuple[Callable[[httpx2.Client, random.Random], httpx2.Response], int]] = [
            (cutout, 30),
            (stored_bytes, 20),
            (chunk, 20),
            (label, 15),
            (labels_in_box, 5),
        ]
        asks, weights = zip(*kinds, strict=True)
        with httpx2.Client(base_url=url, headers=headers, timeout=120) as client:
            while not stop.is_set():
                pace.wait(stop)
                began = time.monotonic()
                try:
                    if dice.random() < 0.1:
                        answer = self._write(client, dice, number, clients)
                    else:
                        answer = dice.choices(asks, weights)[0](client, dice)
                except httpx2.TransportError as error:
                    with self._lock:
                        self.failed.append(f"{type(error).__name__}: {error}")
                    continue
                with self._lock:
                    self.statuses[answer.status_code] += 1
                    self.times.append(time.monotonic() - began)
                    if answer.status_code >= 500:
                        self.failed.append(f"{answer.status_code} {answer.url}: {answer.text}")

    def _write(
        self, client: httpx2.Client, dice: random.Random, number: int, clients: int
    ) -> httpx2.Response:
        """Fill a box of its own; what is answered with success is to be there."""
        boxes = (EXTENT // SIDE) ** 3
        place = dice.randrange(number, boxes, clients)
        start = [int(each) * SIDE for each in np.unravel_index(place, (EXTENT // SIDE,) * 3)]
        box = Box(tuple(start), tuple(each + SIDE for each in start))
        with self._lock:
            self._number += 1
            value = self._number if dice.random() < 0.9 else 0
        answer = client.put(address(CELLS), params={**query(box), "fill": str(value)})
        if answer.is_success:
            self.voxels[box.slices] = value
        return answer


class Pace:
    """So many turns a second for all clients together; who comes late makes nothing up."""

    def __init__(self, rate: float | None) -> None:
        self.rate = rate
        self._next, self._lock = time.monotonic(), threading.Lock()

    def wait(self, stop: threading.Event) -> None:
        """Wait for a turn."""
        if self.rate is None:
            return
        with self._lock:
            turn = max(self._next, time.monotonic())
            self._next = turn + 1 / self.rate
        stop.wait(max(0, turn - time.monotonic()))


def address(name: DatasetName) -> str:
    """Return the address of cutouts of a dataset."""
    return f"/v2/datasets/{name}/cutout"


def query(box: Box) -> dict[str, str]:
    """Return a box as it stands in a query."""
    ends = zip("zyx", box.start, box.stop, strict=True)
    return {axis: f"{start}:{stop}" for axis, start, stop in ends}


def any_box(dice: random.Random, side: int) -> Box:
    """Return a box of that side, anywhere."""
    start = tuple(dice.randrange(EXTENT - side) for _ in range(3))
    return Box(start, tuple(each + side for each in start))


def cutout(client: httpx2.Client, dice: random.Random) -> httpx2.Response:
    """Ask for voxels."""
    name = dice.choice([EM, CELLS])
    form = dice.choice(["raw", "npy", "blosc"])
    return client.get(address(name), params={**query(any_box(dice, 48)), "format": form})


def stored_bytes(client: httpx2.Client, dice: random.Random) -> httpx2.Response:
    """Ask for a range of a shard."""
    first = dice.randrange(1000)
    headers = {"Range": f"bytes={first}-{first + 999}"}
    return client.get(f"/zarr/{EM}/0/c/0/0/0", headers=headers)


def chunk(client: httpx2.Client, dice: random.Random) -> httpx2.Response:
    """Ask for a chunk of a view."""
    cell = "/".join(str(dice.randrange(2)) for _ in range(3))
    return client.get(f"/flat/{EM}/0/c/{cell}")


def label(client: httpx2.Client, dice: random.Random) -> httpx2.Response:
    """Ask where a label is, which may be gone."""
    return client.get(f"/v2/datasets/{CELLS}/labels/{dice.randrange(1, 50)}")


def labels_in_box(client: httpx2.Client, dice: random.Random) -> httpx2.Response:
    """Ask which labels are in a box."""
    return client.get(f"/v2/datasets/{CELLS}/labels", params=query(any_box(dice, 40)))


@dataclass(frozen=True)
class Soaked:
    """What is asked for long."""

    workspace: Workspace
    programs: list[Program]
    load: Load
    jobs: list[str] = field(default_factory=list)

    def queue(self) -> None:
        """Queue a job on the labels, if none waits or runs."""
        ledger = self.workspace.catalog.ledger
        if any(ledger.get_job(job).state in UNFINISHED for job in self.jobs):
            return
        if len(self.jobs) % 2:
            job = start_index(self.workspace, CELLS)
        else:
            job = start_downsample(self.workspace, CELLS, stale=True)
        ledger.enqueue(job.id)
        self.jobs.append(job.id)

    def watch(self, stop: threading.Event) -> None:
        """Look at all programs now and then, and queue jobs."""
        began, queued = time.monotonic(), 0.0
        while not stop.wait(SAMPLE_S):
            at = time.monotonic() - began
            for program in self.programs:
                program.look(at)
            if at - queued >= JOB_S:
                queued = at
                self.queue()

    def wait_for_jobs(self) -> dict[str, tuple[JobState, str]]:
        """Return how all jobs ended."""
        ledger, deadline = self.workspace.catalog.ledger, time.monotonic() + PATIENCE_S
        while any(ledger.get_job(job).state in UNFINISHED for job in self.jobs):
            assert time.monotonic() < deadline
            time.sleep(0.5)
        jobs = [ledger.get_job(job) for job in self.jobs]
        return {job.id: (job.state, job.message) for job in jobs}


@pytest.fixture
def soaked(
    s3_store: StoreURL, postgres_url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Soaked]:
    """Two gateways and two workers on S3 and PostgreSQL."""
    settings = Settings(database_url=postgres_url, workers=0)
    make_lake(s3_store, settings)
    environment = os.environ | {"VOXLAKE_DATABASE_URL": postgres_url, "VOXLAKE_WORKERS": "0"}
    environment |= {"VOXLAKE_GATEWAY_MEMORY_BYTES": str(256 << 20)}

    def start(name: str, *command: str) -> Program:
        with (tmp_path / name).open("w") as log:
            started = subprocess.Popen(
                [sys.executable, *command],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=environment,
            )
        stack.callback(started.communicate)
        stack.callback(started.kill)
        return Program(name, started)

    with ExitStack() as stack:
        workspace = stack.enter_context(Workspace.opened(s3_store, settings))
        em = Sample(str(EM), image_voxels(SHAPE))
        for sample in (em, Sample(str(CELLS), label_voxels(SHAPE), Kind.LABELS)):
            add_sample(s3_store, workspace.catalog, sample)
        run_job(workspace, start_index(workspace, CELLS))
        gateways, addresses = [], []
        for name in ("gateway-0", "gateway-1"):
            gateways.append(start(name, "-c", PROGRAM, str(s3_store), str(tmp_path / f"of-{name}")))
            assert gateways[-1].running.stdout is not None
            url, _, token_file = json.loads(gateways[-1].running.stdout.readline())
            addresses.append((url, Path(token_file).read_text(encoding="ascii")))
        words = "-m", "voxlake.cli", "worker", "--lake", str(s3_store)
        workers = [start(name, *words) for name in ("worker-0", "worker-1")]
        load = Load(addresses, int(request.config.option.hypothesis_seed))
        yield Soaked(workspace, [*gateways, *workers], load)


@pytest.mark.timeout(0)
def test_nothing_grows_and_nothing_is_lost(soaked: Soaked) -> None:
    load = soaked.load
    rates = {clients: load.run(clients, STEP_S) for clients in CLIENTS}
    say(f"requests a second, by clients: {', '.join(f'{c}: {r:.0f}' for c, r in rates.items())}")
    rate, clients = SHARE * max(rates.values()), 2 * max(rates, key=lambda each: rates[each])
    load.times.clear()
    stop = threading.Event()
    watching = threading.Thread(target=soaked.watch, args=(stop,))
    watching.start()
    answered = load.run(clients, SECONDS, rate)
    stop.set()
    watching.join()
    ended = soaked.wait_for_jobs()
    times = np.quantile(load.times, [0.5, 0.95, 0.99])
    say(f"{rate:.0f} a second asked of {clients} clients, {answered:.0f} answered")
    say(f"{dict(load.statuses)}; ms 50/95/99 % {' '.join(f'{1000 * each:.0f}' for each in times)}")
    say(f"{len(ended)} jobs; {load._number - FIRST} writes")
    for program in soaked.programs:
        say(program.told())
    assert load.failed == []
    assert ended == dict.fromkeys(ended, (JobState.DONE, ""))
    check(soaked.workspace, load.voxels)
    assert [found for each in soaked.programs if (found := each.verdict())] == []


def check(workspace: Workspace, voxels: npt.NDArray[np.uint64]) -> None:
    """Demand the voxels that were acknowledged, and an index that says what they do."""
    place = workspace.place(CELLS)
    volume = workspace.dataset(place).level(0)
    np.testing.assert_array_equal(volume.read(volume.box).result(), voxels)
    there, counts = np.unique(voxels[voxels != 0], return_counts=True)
    table = open_labels(workspace.address(place), index_of(workspace.lake, place)).view().all()
    np.testing.assert_array_equal(table.labels, there)
    np.testing.assert_array_equal(table.voxels, counts)


def say(text: str) -> None:
    """Tell who waits for it."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
