"""A store that is some way off: cutouts beside TensorStore, and ingests beside a local lake.

The store is SeaweedFS on this machine, behind a relay in a process of its own that lets each
request take 20 ms longer. Readers have the same memory for chunks, a fraction of the volume.
"""

from __future__ import annotations

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from operator import truediv
from typing import TYPE_CHECKING, Any

import tensorstore as ts

from benchmarks.gateway_cutouts import boxes_of
from benchmarks.store_ingests import (
    FAR,
    Timed,
    ingest,
    lakes,
    run_store_ingests,
    working,
    write_source,
)
from benchmarks.tables import markdown_table
from voxlake.ngff.memory.cache import CACHE
from voxlake.ngff.memory.disk import DISK
from voxlake.ngff.reading.loading import load_reader
from voxlake.ngff.volume import open_volume
from voxlake.platform.store import StoreURL, as_tensorstore

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from benchmarks.rounds import Say
    from voxlake.ngff.grid.box import Box

SHAPE = (128, 1024, 1024)
EDGE, AT_ONCE = 128, 4
MEMORY_BYTES = 32 << 20


def run_store_latency(
    folder: Path, size: tuple[int, int, int], repeats: int, say: Say
) -> list[dict[str, Any]]:
    """Measure ingests of `size` voxels and cutouts of `SHAPE`, print, and return all figures."""
    found = run_store_ingests(folder, size, repeats, say)
    print(_table(f"{size} voxels", found), flush=True)
    source = write_source(folder / "cutouts.npy", SHAPE)
    with lakes(folder / "lakes") as stores:
        with working() as worker:
            worker.submit(ingest, source, stores[FAR], folder / "catalog.sqlite").result()
        load_reader()
        read = _cutouts(stores[FAR] / "lab/far/cutouts.ome.zarr/0", folder / "disk", repeats, say)
    title = f"{SHAPE} voxels; {AT_ONCE} of {EDGE}^3 at a time, {MEMORY_BYTES >> 20} MiB"
    print(_table(title, read), flush=True)
    return [asdict(each) for each in (*found, *read)]


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


def _table(title: str, found: Sequence[Timed]) -> str:
    rows = [("what", "who", "seconds", "rate, of the first", "CPU, s", "CPU of the store, s")]
    for each in found:
        base = next(one for one in found if one.what == each.what)
        ratios = map(truediv, base.seconds, each.seconds)
        cpu, of_store = (_cpu(used) for used in (each.cpu_seconds, each.store_cpu_seconds))
        share = f"{statistics.median(ratios):.2f}"
        rows.append((each.what, each.who, f"{each.median:.2f}", share, cpu, of_store))
    return markdown_table(title, rows)


def _cpu(seconds: Sequence[float]) -> str:
    return f"{statistics.median(seconds):.2f}" if seconds else ""
