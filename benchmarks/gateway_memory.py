"""The memory of a gateway under a budget, while mixed requests come from many clients."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import psutil

from benchmarks.gateway_requests import IMAGE, LABELS, Asked, run_requests
from benchmarks.tables import markdown_table
from voxlake.compute.jobs import IngestRequest, Workspace, run_job, start_ingest
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.labels.handle import Labels
from voxlake.ngff.labels.view import View
from voxlake.ngff.lake import Place
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.rounds import Say

MEMORY_BYTES = 256 << 20
SHAPE = (256, 512, 512)
REQUESTS, WARM = 10_000, 0.2
"""Requests, and the share of them after which the gateway is warm."""


@dataclass(frozen=True, slots=True)
class State:
    """What a gateway has in memory after some requests, in MiB."""

    after: str
    requests: int
    per_second: float
    rss: float
    rss_peak: float
    """Since the state before."""
    held_peak: float
    """Most that answers on their way held at once, since the gateway began."""
    cached: float
    """In the cache of index, objects and mappings."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a gateway's memory."""

    limit_bytes: int
    """What it was given."""
    states: list[State]
    counted: dict[str, Any]
    """What the gateway counted at the end."""
    kinds: dict[str, int]
    """Requests of each kind."""


def run_gateway_memory(folder: Path, say: Say) -> dict[str, Any]:
    """Measure, print the tables and return all figures."""
    say(f"gateway memory: a lake of {SHAPE} voxels is made")
    lake = folder / "gateway-lake"
    labels = make_lake(lake, SHAPE)
    say(f"{REQUESTS} requests are sent to a gateway of {MEMORY_BYTES >> 20} MiB")
    outcome = measure(lake, labels, REQUESTS, MEMORY_BYTES)
    print(state_table(outcome), flush=True)
    print(cache_table(outcome), flush=True)
    return asdict(outcome)


def make_lake(lake: Path, shape: tuple[int, int, int]) -> list[int]:
    """Make an image and its labels, with an index, and return the labels."""
    lake.mkdir(parents=True)
    size = ",".join(map(str, shape))
    image, cells = DatasetName.parse(IMAGE), DatasetName.parse(LABELS)
    place = Place(cells, Kind.LABELS, image.dataset)
    with Workspace.opened(StoreURL.parse(str(lake)), Settings(workers=0)) as workspace:
        for request in (
            IngestRequest(f"phantom:{size}", Place(image, Kind.IMAGE), levels=2, public=True),
            IngestRequest(f"phantom:{size}?kind=labels", place, levels=2, index=True, public=True),
        ):
            run_job(workspace, start_ingest(workspace, request))
        volume = workspace.dataset(place).level(0)
        table = Labels(volume, workspace.lake / place.index_key).ask(View.all)
        return [int(label) for label in table.labels]


def measure(lake: Path, labels: list[int], requests: int, memory_bytes: int) -> Outcome:
    """Send requests to a gateway of that much memory, and watch it."""
    with running(lake, memory_bytes) as (url, process):
        asked = Asked(url.removeprefix("http://"), SHAPE, labels, stored_keys(lake))
        watch = Watch(process)
        states = [watch.state("start", 0)]
        warm = int(requests * WARM)
        run_requests(asked, warm, 0)
        states.append(watch.state("warm-up", warm))
        kinds = run_requests(asked, requests - warm, 1)
        states.append(watch.state("end", requests - warm))
        time.sleep(1)
        return Outcome(memory_bytes, states, watch.counted(), dict(kinds))


class Watch:
    """Looks at the memory of a gateway's process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process, self.began = process, time.perf_counter()

    def counted(self, *, trimmed: bool = False) -> dict[str, Any]:
        """Return what the gateway counts, once it gave back what is free if that is asked for."""
        to, answers = _pipes(self.process)
        to.write("trim\n" if trimmed else "\n")
        to.flush()
        found: dict[str, Any] = json.loads(answers.readline())
        return found

    def state(self, after: str, requests: int) -> State:
        """Return what it has, and begin to measure the peak anew."""
        took, counted = time.perf_counter() - self.began, self.counted()
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        peak = next(int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line)
        rss = psutil.Process(self.process.pid).memory_info().rss
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")
        self.began = time.perf_counter()
        return State(
            after,
            requests,
            requests / took,
            rss / 2**20,
            peak / 2**10,
            counted["held_peak"] / 2**20,
            counted["cached"] / 2**20,
        )


@contextmanager
def running(lake: Path, memory_bytes: int) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Run a gateway, and yield its URL and process."""
    environment = os.environ | {"VOXLAKE_GATEWAY_MEMORY_BYTES": str(memory_bytes)}
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.gateway_process", str(lake)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        yield _pipes(process)[1].readline().strip(), process
    finally:
        process.terminate()
        process.communicate()


def stored_keys(lake: Path) -> list[tuple[str, int]]:
    """Return the stored objects of level 0 of the image, as they are asked for."""
    folder = lake / f"{IMAGE}.ome.zarr"
    files = sorted((folder / "0" / "c").rglob("*"))
    return [
        (f"{IMAGE}/{file.relative_to(folder)}", file.stat().st_size)
        for file in files
        if file.is_file()
    ]


def state_table(outcome: Outcome) -> str:
    """Return the states as a Markdown table."""
    head = ("after", "requests", "a second", "RSS MiB", "its peak", "held at most", "cached")
    lines = [
        (
            one.after,
            str(one.requests),
            f"{one.per_second:.0f}",
            *(f"{size:.0f}" for size in (one.rss, one.rss_peak, one.held_peak, one.cached)),
        )
        for one in outcome.states
    ]
    limit = outcome.limit_bytes >> 20
    return markdown_table(f"memory of a gateway that may fill {limit} MiB", [head, *lines])


def cache_table(outcome: Outcome) -> str:
    """Return the use of the cache as a Markdown table."""
    head = ("kind", "entries", "MiB", "asked", "hit rate", "dropped")
    lines = [
        (
            one["kind"],
            str(one["entries"]),
            f"{one['bytes'] / 2**20:.2f}",
            str(one["hits"] + one["misses"]),
            f"{one['hits'] / max(one['hits'] + one['misses'], 1):.3f}",
            str(one["evictions"]),
        )
        for one in outcome.counted["cache"]
    ]
    return markdown_table("what it kept", [head, *lines])


def _pipes(process: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    assert process.stdin is not None
    assert process.stdout is not None
    return process.stdin, process.stdout
