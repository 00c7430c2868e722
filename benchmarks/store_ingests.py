"""Ingests to stores: a folder, S3 on this machine, and S3 that is some way off.

voxlake has the first of this machine's cores to itself, and the store and the way to it the last,
as a store has machines of its own. SeaweedFS is slower on one core than voxlake is; beside it, a
store that keeps up says what voxlake can do. Each round has new servers, so that no disk fills.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import psutil
from tests.servers.s3 import ACCESS_KEY, SECRET_KEY, run_s3

from benchmarks.far import far
from benchmarks.light_store import light_store
from voxlake.compute.jobs import IngestRequest, Workspace, run_job, start_ingest
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.lake import Place
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.rounds import Say

LATENCY_S = 0.02
FOLDER, NEAR, FAR = "a folder", "S3", "S3, 20 ms"
LIGHT, LIGHT_FAR = "S3 that keeps up", "S3 that keeps up, 20 ms"
SLAB = 64
"""Slices whose noise differs: no chunk has any of it twice."""

_CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]


@dataclass(frozen=True, slots=True)
class Timed:
    """How long something took, in each round."""

    what: str
    who: str
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)
    """Of the process that works; of ingests."""
    store_cpu_seconds: list[float] = field(default_factory=list)
    """Of the server and the way to it: near `seconds` if it is what one waits for."""

    @property
    def median(self) -> float:
        """Of all rounds."""
        return statistics.median(self.seconds)


def run_store_ingests(
    folder: Path, size: tuple[int, int, int], repeats: int, say: Say
) -> list[Timed]:
    """Measure ingests of `size` voxels (z, y, x) of uint8."""
    source = write_source(folder / "ingest.npy", size)
    first = write_source(folder / "first.npy", (2 * SLAB,) * 3)
    found = {name: Timed("ingest", name) for name in (FOLDER, LIGHT, LIGHT_FAR, NEAR, FAR)}
    for number in range(repeats):
        here = folder / str(number)
        with lakes(here) as stores, working() as worker:
            for name, lake in stores.items():
                catalog = here / f"{name}.sqlite"
                # The first of a process compiles, and connects.
                worker.submit(ingest, first, lake, catalog).result()
                before = _cpu_of_store(worker)
                seconds, cpu_seconds = worker.submit(ingest, source, lake, catalog).result()
                found[name].seconds.append(seconds)
                found[name].cpu_seconds.append(cpu_seconds)
                found[name].store_cpu_seconds.append(_cpu_of_store(worker) - before)
                say(f"ingest to {name}: {seconds:.2f} s, {cpu_seconds:.2f} s of CPU")
        shutil.rmtree(here)
    return list(found.values())


@contextmanager
def lakes(folder: Path) -> Iterator[dict[str, StoreURL]]:
    """Run a store on the last core; yield a lake in a folder, one on it, and one far away."""
    os.environ.update(VOXLAKE_S3_ACCESS_KEY_ID=ACCESS_KEY, VOXLAKE_S3_SECRET_ACCESS_KEY=SECRET_KEY)
    (folder / "s3").mkdir(parents=True)
    with (
        on_core(-1),
        run_s3(folder / "s3") as server,
        far(server.endpoint, LATENCY_S) as endpoint,
        light_store() as light,
        far(light, LATENCY_S) as light_far,
    ):
        url = StoreURL("s3", server.bucket, "near", server.endpoint, "us-east-1")
        yield {
            FOLDER: StoreURL.parse(str(folder / "lake")),
            LIGHT: replace(url, endpoint=light),
            LIGHT_FAR: replace(url, key="far", endpoint=light_far),
            NEAR: url,
            FAR: replace(url, key="far", endpoint=endpoint),
        }


def _cpu_of_store(worker: ProcessPoolExecutor) -> float:
    """Return the CPU seconds of all processes that were started, but for the one that works."""
    working_one = worker.submit(os.getpid).result()
    others = (p for p in psutil.Process().children(recursive=True) if p.pid != working_one)
    return sum(used.user + used.system for used in (each.cpu_times() for each in others))


@contextmanager
def working() -> Iterator[ProcessPoolExecutor]:
    """Yield a process on the first core."""
    spawned = multiprocessing.get_context("spawn")
    with on_core(0), ProcessPoolExecutor(1, spawned) as worker:
        worker.submit(os.getpid).result()
        yield worker


@contextmanager
def on_core(place: int) -> Iterator[None]:
    """Let what is started in the block run on one core alone, where the system can say so."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {_CORES[place]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def ingest(source: Path, lake: StoreURL, catalog: Path) -> tuple[float, float]:
    """Return how long an ingest takes, and the CPU of this process."""
    settings = Settings(workers=0, database_url=f"sqlite:///{catalog}")
    with Workspace.opened(lake, settings) as workspace:
        place = Place(DatasetName("lab", "far", source.stem), Kind.IMAGE)
        job = start_ingest(workspace, IngestRequest(str(source), place, VoxelSize(8, 8, 8)))
        begun, cpu_begun = time.perf_counter(), time.process_time()
        run_job(workspace, job)
        return time.perf_counter() - begun, time.process_time() - cpu_begun


def write_source(path: Path, shape: tuple[int, int, int]) -> Path:
    """Write smooth structure with noise, which compresses as EM does."""
    out = np.lib.format.open_memmap(path, "w+", np.uint8, shape)
    _, y, x = np.ogrid[:1, : shape[1], : shape[2]]
    noise = np.random.default_rng(1).normal(128, 12, (SLAB, *shape[1:])).astype(np.float32)
    waves = (30 * np.cos(y / 13 + x / 17)).astype(np.float32)
    for z in range(shape[0]):
        plane = np.float32(np.sin(z / 9)) * waves[0] + noise[z % SLAB]
        out[z] = np.clip(plane, 0, 255).astype(np.uint8)
    out.flush()
    return path
