"""The label index: what one pass over labels costs, beside what others do with the same voxels.

Kernels get a block in memory; end to end they get a stored shard. Every result is compared. Those
who take part take turns, so that they share what else the machine does.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import asdict, dataclass
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import zarr
from zarr.codecs import ZstdCodec

from benchmarks.codec_data import fib25_bodies, fib25_supervoxels, phantom_labels
from benchmarks.label_ways import KERNEL_WORK, KERNELS, SHARD_WORK, by_voxlake, volumes_of
from benchmarks.tables import markdown_table
from voxlake.compute.passes.threads import thread_count
from voxlake.ngff.volume import open_volume
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from benchmarks.label_ways import Counts, Found, Labels
    from benchmarks.rounds import Say
    from voxlake.ngff.volume import Volume

CHUNKS = (64, 128)
"""Edges of chunks."""
DTYPES = ("uint8", "uint16", "uint32", "uint64")
SHARD = 384
"""Edge of the shard: twice that of the cubes."""
PEERS = ("cc3d", "fastremap")
PASS_S = 0.1
"""CPU seconds that a pass takes at least."""

GOALS = {
    "fastremap.renumber + cc3d.statistics": 5,
    "fastremap.unique, no boxes": 2.5,
    "TensorStore + cc3d": 2.5,
    "zarr + NumPy": 20,
    "TensorStore, decoding alone": 0.65,
    "voxlake, decoding alone": 0.65,
}
"""How many times as fast as others we want to be, in CPU time."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How fast one way to do it is on one kind of data."""

    data: str
    way: str
    mb_per_cpu_s: float
    mb_per_s: float


class NotTheSameError(Exception):
    """Somebody found other labels, counts or boxes."""


def run_label_index(folder: Path, repeats: int, say: Say) -> dict[str, Any]:
    """Measure, print the tables and return all figures."""
    kernels, shards = [], []
    for kind, make in DATA.items():
        cube = make()
        for edge in CHUNKS:
            for dtype in DTYPES:
                say(f"label index: {kind}, a chunk of {edge}^3, {dtype}")
                block = tiled(cube, edge).astype(dtype)
                kernels += measure_kernels(f"{kind} {edge}^3 {dtype}", block, repeats)
            say(f"label index: {kind}, a shard of {SHARD}^3, chunks of {edge}^3")
            volume = stored(folder / f"{kind} {edge}", tiled(cube, SHARD), edge)
            shards += measure_shard(f"{kind}, chunks of {edge}^3", volume, repeats)
    print(rates_table("label index, kernels", kernels), flush=True)
    print(rates_table(f"label index, from the store, {thread_count()} threads", shards), flush=True)
    print(goals_table([*kernels, *shards]), flush=True)
    return {"kernels": [asdict(one) for one in kernels], "shards": [asdict(one) for one in shards]}


DATA: dict[str, Callable[[], Labels]] = {
    "bodies": fib25_bodies,
    "supervoxels": fib25_supervoxels,
    "phantom": phantom_labels,
}


def tiled(cube: Labels, edge: int) -> Labels:
    """Return a block of the cube, repeated where it is too small."""
    index = np.arange(edge) % min(cube.shape)
    return np.ascontiguousarray(cube[np.ix_(index, index, index)])


def stored(folder: Path, voxels: Labels, chunk: int) -> Volume:
    """Store the voxels as one shard, coded as voxlake codes labels."""
    zarr.create_array(
        str(folder),
        shape=voxels.shape,
        chunks=(chunk,) * 3,
        shards=voxels.shape,
        dtype=voxels.dtype,
        fill_value=0,
        compressors=ZstdCodec(level=3, checksum=True),
    )
    volume = open_volume(StoreURL.parse(str(folder)), cache_bytes=0)
    volume.write(volume.box, voxels).result()
    return volume


def measure_kernels(data: str, block: Labels, repeats: int) -> list[Rate]:
    """Measure all ways on one block, and compare what they find.

    Raises
    ------
    NotTheSameError
        If they differ.
    """
    expected = by_voxlake(block)
    for way, find in installed(KERNELS).items():
        check(f"{way} on {data}", find(block), expected)
    works = {way: partial(find, block) for way, find in installed(KERNEL_WORK).items()}
    return measure(data, block.nbytes, works, repeats)


def measure_shard(data: str, volume: Volume, repeats: int) -> list[Rate]:
    """Measure all ways from the store, and compare how many voxels they find of each label.

    Raises
    ------
    NotTheSameError
        If they differ.
    """
    answers: dict[str, Counts | None] = {}

    def answer(way: str, work: Callable[[Volume], Counts | None]) -> None:
        answers[way] = work(volume)

    works = {way: partial(answer, way, work) for way, work in installed(SHARD_WORK).items()}
    expected = volumes_of(volume)
    size = volume.box.size * volume.dtype.itemsize
    rates = measure(data, size, works, repeats)
    for way, counts in answers.items():
        if counts is not None and not all(map(np.array_equal, counts, expected)):
            raise NotTheSameError(f"{way} found other voxels in {data}")
    return rates


def installed[T](ways: dict[str, T]) -> dict[str, T]:
    """Return the ways whose libraries are installed."""
    missing = [name for name in PEERS if find_spec(name) is None]
    # Before cc3d ids have to be made small, by fastremap.
    without = {*missing, "cc3d"} if "fastremap" in missing else set(missing)
    return {way: one for way, one in ways.items() if not any(name in way for name in without)}


def measure(
    data: str, size: int, works: Mapping[str, Callable[[], object]], repeats: int
) -> list[Rate]:
    """Return the median rates of passes over `size` bytes, one of each way in turn."""
    passes: dict[str, list[tuple[float, float]]] = {way: [] for way in works}
    for _ in range(repeats):
        for way, work in works.items():
            passes[way].append(_one_pass(work))
    found = []
    for way, taken in passes.items():
        cpu, wall = (statistics.median(times) for times in zip(*taken, strict=True))
        found.append(Rate(data, way, size / 1e6 / cpu, size / 1e6 / wall))
    return found


def _one_pass(work: Callable[[], object]) -> tuple[float, float]:
    times, cpu, wall = 0, time.process_time(), time.perf_counter()
    while not times or (taken := time.process_time() - cpu) < PASS_S:
        work()
        times += 1
    return taken / times, (time.perf_counter() - wall) / times


def check(what: str, found: Found, expected: Found) -> None:
    """Hold what was found to what our kernel found, as far as it goes.

    Raises
    ------
    NotTheSameError
        If it differs.
    """
    same = found.keys() == expected.keys() and all(
        row == expected[label][: len(row)] for label, row in found.items()
    )
    if not same:
        raise NotTheSameError(f"{what} found other labels, counts or boxes")


def rates_table(title: str, rates: list[Rate]) -> str:
    """Return the rates as a Markdown table, with the ratio of voxlake's to each."""
    head = ("data", "way", "MB/CPU s", "MB/s", "voxlake / it, CPU", "wall", "goal")
    lines = [
        (
            one.data,
            one.way,
            f"{one.mb_per_cpu_s:.0f}",
            f"{one.mb_per_s:.0f}",
            *(f"{ratio:.2f}" for ratio in ratios),
            f"{GOALS[one.way]:g}" if one.way in GOALS else "",
        )
        for one, ratios in zip(rates, ratios_to(rates), strict=True)
    ]
    return markdown_table(title, [head, *lines])


def goals_table(rates: list[Rate]) -> str:
    """Return what was reached of each goal, over all data, as a Markdown table."""
    head = ("voxlake / it", "goal", "CPU: least", "median", "reached", "wall: least", "median")
    lines = []
    for way, goal in GOALS.items():
        pairs = zip(rates, ratios_to(rates), strict=True)
        ratios = [pair for one, pair in pairs if one.way == way]
        if ratios:
            cpu, wall = zip(*ratios, strict=True)
            reached = f"{sum(ratio >= goal for ratio in cpu)} of {len(cpu)}"
            least, middle = f"{min(cpu):.2f}", f"{statistics.median(cpu):.2f}"
            walls = f"{min(wall):.2f}", f"{statistics.median(wall):.2f}"
            lines.append((way, f"{goal:g}", least, middle, reached, *walls))
    return markdown_table("label index, goals", [head, *lines])


def ratios_to(rates: list[Rate]) -> list[tuple[float, float]]:
    """Return how many times as fast as each voxlake is on the same data, in CPU and wall time.

    Raises
    ------
    ValueError
        If two rates are of the same way and data: then it is not clear what to hold them to.
    """
    if len({(one.data, one.way) for one in rates}) < len(rates):
        raise ValueError("two rates are of the same way and data; name the data apart")
    ours = {one.data: one for one in rates if one.way == "voxlake"}
    return [
        (ours[it.data].mb_per_cpu_s / it.mb_per_cpu_s, ours[it.data].mb_per_s / it.mb_per_s)
        for it in rates
    ]
