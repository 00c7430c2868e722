"""A store that is some way off: cutouts beside TensorStore, and ingests beside a local lake.

The store is SeaweedFS on this machine, behind a proxy in a process of its own that lets each
request take 20 ms longer. Readers have the same memory for chunks, a fraction of the volume.
"""

from __future__ import annotations

import multiprocessing
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from os import environ
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorstore as ts
from tests.servers.s3 import ACCESS_KEY, SECRET_KEY, run_s3
from tests.servers.s3_proxy import s3_proxy

from benchmarks.gateway_cutouts import boxes_of
from benchmarks.tables import markdown_table
from voxlake.compute.jobs import IngestRequest, Workspace, run_job, start_ingest
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.lake import Place
from voxlake.ngff.memory.cache import CACHE
from voxlake.ngff.memory.disk import DISK
from voxlake.ngff.reading.loading import load_reader
from voxlake.ngff.volume import open_volume
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL, as_tensorstore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.connection import Connection
    from pathlib import Path

    from benchmarks.rounds import Say
    from voxlake.ngff.grid.box import Box

LATENCY_S = 0.02
SHAPE = (128, 1024, 1024)
EDGE, AT_ONCE = 128, 4
MEMORY_BYTES = 32 << 20


@dataclass(frozen=True, slots=True)
class Timed:
    """How long something took, in each round."""

    what: str
    who: str
    seconds: list[float]
    cpu_seconds: list[float] = field(default_factory=list)
    """Of this process, which is all but the server and the proxies; only of ingests."""

    @property
    def median(self) -> float:
        """Of all rounds."""
        return statistics.median(self.seconds)


def run_store_latency(folder: Path, repeats: int, say: Say) -> list[dict[str, Any]]:
    """Measure, print the table and return all figures."""
    load_reader()
    np.save(folder / "image.npy", _image(SHAPE))
    environ.update(VOXLAKE_S3_ACCESS_KEY_ID=ACCESS_KEY, VOXLAKE_S3_SECRET_ACCESS_KEY=SECRET_KEY)
    (folder / "s3").mkdir()
    with (
        run_s3(folder / "s3") as server,
        _away(server.endpoint, 0.0) as near,
        _away(server.endpoint, LATENCY_S) as far,
    ):
        url = StoreURL("s3", server.bucket, "lake", server.endpoint, "us-east-1")
        lakes = {
            "a folder": StoreURL.parse(str(folder / "lake")),
            "S3": replace(url, key="s3"),
            "S3, by the proxy": replace(url, key="near", endpoint=near),
            "S3, 20 ms": replace(url, key="far", endpoint=far),
        }
        found = _ingests(folder, lakes, repeats, say)
        lies = lakes["S3, 20 ms"] / f"lab/far/{repeats - 1}.ome.zarr/0"
        found += _cutouts(lies, folder / "disk", repeats, say)
    print(_table(found), flush=True)
    return [asdict(each) for each in found]


@contextmanager
def _away(endpoint: str, latency_s: float) -> Iterator[str]:
    """Run the proxy in another process, whose work is not that of who is measured."""
    here, there = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_proxy, args=(endpoint, latency_s, there)
    )
    process.start()
    try:
        yield here.recv()
    finally:
        here.send(None)
        process.join()


def _proxy(endpoint: str, latency_s: float, asked: Connection) -> None:
    with s3_proxy(endpoint, latency_s) as proxy:
        asked.send(proxy.endpoint)
        asked.recv()


def _image(shape: tuple[int, int, int]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return smooth structure with noise, which compresses as EM does."""
    z, y, x = np.ogrid[: shape[0], : shape[1], : shape[2]]
    smooth = 128 + 30 * np.sin(z / 9) * np.cos(y / 13 + x / 17)
    noise = np.random.default_rng(1).normal(0, 12, shape).astype(np.float32)
    return np.asarray(np.clip(smooth.astype(np.float32) + noise, 0, 255), np.uint8)


def _ingests(folder: Path, lakes: dict[str, StoreURL], repeats: int, say: Say) -> list[Timed]:
    found = {name: Timed("ingest", name, []) for name in lakes}
    for number in range(repeats):
        for name, lake in lakes.items():
            seconds, cpu_seconds = _ingest(folder, lake, number)
            found[name].seconds.append(seconds)
            found[name].cpu_seconds.append(cpu_seconds)
            say(f"ingest to {name}: {seconds:.1f} s, {cpu_seconds:.2f} s of CPU")
    return list(found.values())


def _ingest(folder: Path, lake: StoreURL, number: int) -> tuple[float, float]:
    """Return how long it takes, and the CPU of this process."""
    settings = Settings(workers=0, database_url=f"sqlite:///{folder}/{lake.scheme}-{lake.key[-4:]}")
    with Workspace.opened(lake, settings) as workspace:
        place = Place(DatasetName("lab", "far", str(number)), Kind.IMAGE)
        request = IngestRequest(str(folder / "image.npy"), place, VoxelSize(8, 8, 8))
        job = start_ingest(workspace, request)
        begun, cpu_begun = time.perf_counter(), time.process_time()
        run_job(workspace, job)
        return time.perf_counter() - begun, time.process_time() - cpu_begun


def _cutouts(url: StoreURL, disk: Path, repeats: int, say: Say) -> list[Timed]:
    boxes = boxes_of(SHAPE, EDGE, 1)
    first, again, after = ("cutouts: first", "the same again", "by a process that starts anew")
    took = {
        (what, who): list[float]()
        for what in (first, again, after)
        for who in ("voxlake", "voxlake, with a disk", "TensorStore")
    }
    for number in range(repeats):
        # What is kept by one limit is not by another.
        limits = [MEMORY_BYTES + 3 * number + each for each in range(3)]
        for who, read in (
            ("TensorStore", _tensorstore(url, MEMORY_BYTES)),
            ("voxlake", _voxlake(url, limits[0])),
        ):
            CACHE.clear()
            took[first, who].append(_read_all(read, boxes))
            took[again, who].append(_read_all(read, boxes))
        DISK.open(disk / str(number), 1 << 30)
        for what in (first, after):
            CACHE.clear()
            read = _voxlake(url, limits[1 if what is first else 2])
            took[what, "voxlake, with a disk"].append(_read_all(read, boxes))
            if what is first:
                took[again, "voxlake, with a disk"].append(_read_all(read, boxes))
        DISK.close()
        say(f"cutouts, round {number + 1} of {repeats}")
    return [Timed(what, who, seconds) for (what, who), seconds in took.items() if seconds]


type Read = Callable[[Box], Any]


def _voxlake(url: StoreURL, cache_bytes: int) -> Read:
    volume = open_volume(url, cache_bytes)
    return lambda box: volume.read(box).result()


def _tensorstore(url: StoreURL, cache_bytes: int) -> Read:
    context = ts.Context({"cache_pool": {"total_bytes_limit": cache_bytes}})
    spec = {"driver": "zarr3", "kvstore": as_tensorstore(url)}
    array = ts.open(spec, open=True, context=context).result()
    return lambda box: array[box.slices].read().result()


def _read_all(read: Read, boxes: Sequence[Box]) -> float:
    begun = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as threads:
        for _ in threads.map(read, boxes):
            pass
    return time.perf_counter() - begun


def _table(found: Sequence[Timed]) -> str:
    rows = [("what", "who", "seconds", "of the first", "CPU, s")]
    for each in found:
        base = next(one for one in found if one.what == each.what)
        cpu = f"{statistics.median(each.cpu_seconds):.2f}" if each.cpu_seconds else ""
        share = f"{base.median / each.median:.2f}"
        rows.append((each.what, each.who, f"{each.median:.2f}", share, cpu))
    title = f"{SHAPE} voxels; {AT_ONCE} cutouts of {EDGE}^3 at a time, {MEMORY_BYTES >> 20} MiB"
    return markdown_table(title, rows)
