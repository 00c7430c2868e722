"""The label index: what one pass over labels costs, beside what others do with the same voxels.

Kernels get a block in memory; end to end they get a stored shard. Every result is compared.

The peers, cc3d and fastremap, are imported where they are used: the tests do without.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import asdict, dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import zarr
from zarr.codecs import ZstdCodec

from benchmarks.codec_data import fib25_bodies, fib25_supervoxels
from benchmarks.tables import markdown_table
from voxlake.compute.threads import run_ordered, thread_count
from voxlake.ngff.label_index.rows import scan_chunks
from voxlake.ngff.label_index.scanning import stored_rows
from voxlake.ngff.volume import open_volume
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import tensorstore as ts

    from benchmarks.rounds import Say
    from voxlake.ngff.box import Box
    from voxlake.ngff.volume import Volume

EDGES = (64, 128, 256)
DTYPES = ("uint8", "uint16", "uint32", "uint64")
CHUNK, SHARD = 64, 512
PEERS = ("cc3d", "fastremap")
PASS_S = 0.1
"""CPU seconds that a pass takes at least."""

type Labels = npt.NDArray[Any]
type Found = dict[int, tuple[int, ...]]
"""Of each label: how many voxels; and its half-open box, from those who find it."""


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
    for kind, cube in (("bodies", fib25_bodies()), ("supervoxels", fib25_supervoxels())):
        for edge in EDGES:
            for dtype in DTYPES:
                say(f"label index: {kind}, {edge}^3, {dtype}")
                block = tiled(cube, edge).astype(dtype)
                kernels += measure_kernels(f"{kind} {edge}^3 {dtype}", block, repeats)
        say(f"label index: {kind}, a shard of {SHARD}^3")
        shards += measure_shard(kind, stored(folder / kind, tiled(cube, SHARD)), repeats)
    print(rates_table("label index, kernels", kernels), flush=True)
    print(rates_table(f"label index, from the store, {thread_count()} threads", shards), flush=True)
    return {"kernels": [asdict(one) for one in kernels], "shards": [asdict(one) for one in shards]}


def tiled(cube: Labels, edge: int) -> Labels:
    """Return a block of the cube, repeated where it is too small."""
    index = np.arange(edge) % min(cube.shape)
    return np.ascontiguousarray(cube[np.ix_(index, index, index)])


def stored(folder: Path, voxels: Labels) -> Volume:
    """Store the voxels as one shard, coded as voxlake codes labels."""
    zarr.create_array(
        str(folder),
        shape=voxels.shape,
        chunks=(CHUNK,) * 3,
        shards=(SHARD,) * 3,
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
    return [
        measured(data, way, block.nbytes, partial(find, block), repeats)
        for way, find in installed(KERNEL_WORK).items()
    ]


def measure_shard(data: str, volume: Volume, repeats: int) -> list[Rate]:
    """Measure all ways from the store, and compare how many voxels they find of each label."""
    expected = volumes_of(volume)
    size = volume.box.size * volume.dtype.itemsize
    found = []
    for way, work in installed(SHARD_WORK).items():
        counts = work(volume)
        if counts is not None and counts != expected:
            raise NotTheSameError(f"{way} found other voxels in {data}")
        found.append(measured(data, way, size, partial(work, volume), repeats))
    return found


def installed[T](ways: dict[str, T]) -> dict[str, T]:
    """Return the ways whose libraries are installed."""
    missing = [name for name in PEERS if find_spec(name) is None]
    # Before cc3d ids have to be made small, by fastremap.
    without = {*missing, "cc3d"} if "fastremap" in missing else set(missing)
    return {way: one for way, one in ways.items() if not any(name in way for name in without)}


def measured(data: str, way: str, size: int, work: Callable[[], object], repeats: int) -> Rate:
    """Return the median rates of passes over `size` bytes; the work was done once before."""
    passes = [_one_pass(work) for _ in range(repeats)]
    cpu, wall = (statistics.median(taken) for taken in zip(*passes, strict=True))
    return Rate(data, way, size / 1e6 / cpu, size / 1e6 / wall)


def _one_pass(work: Callable[[], object]) -> tuple[float, float]:
    times, cpu, wall = 0, time.process_time(), time.perf_counter()
    while not times or (taken := time.process_time() - cpu) < PASS_S:
        work()
        times += 1
    return taken / times, (time.perf_counter() - wall) / times


def by_voxlake(block: Labels) -> Found:
    """Find counts and boxes with our kernel, the block being one chunk."""
    rows, _ = scan_chunks(block, block.shape)
    return {int(row[0]): tuple(map(int, row[1:])) for row in rows}


def by_cc3d(block: Labels) -> Found:
    """Find counts and boxes with cc3d, which wants small ids."""
    statistics_, ids = _cc3d_statistics(block)
    found = {}
    for small, label in ids.items():
        box = statistics_["bounding_boxes"][small]
        edges = (*(part.start for part in box), *(part.stop for part in box))
        found[int(label)] = (int(statistics_["voxel_counts"][small]), *map(int, edges))
    found.pop(0, None)
    return found


def _cc3d_statistics(block: Labels) -> tuple[Any, dict[int, int]]:
    small, ids = import_module("fastremap").renumber(block)
    return import_module("cc3d").statistics(small), {int(new): int(old) for old, new in ids.items()}


def by_fastremap(block: Labels) -> Found:
    """Count with fastremap: no boxes."""
    return _counted(*_fastremap_unique(block))


def _fastremap_unique(block: Labels) -> tuple[Labels, Labels]:
    labels, counts = import_module("fastremap").unique(block, return_counts=True)
    return labels, counts


def by_numpy(block: Labels) -> Found:
    """Count with NumPy: no boxes."""
    return _counted(*np.unique(block, return_counts=True))


def _counted(labels: Labels, counts: Labels) -> Found:
    pairs = zip(labels.tolist(), counts.tolist(), strict=True)
    return {label: (count,) for label, count in pairs if label}


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


KERNELS: dict[str, Callable[[Labels], Found]] = {
    "cc3d": by_cc3d,
    "fastremap": by_fastremap,
    "NumPy": by_numpy,
}

KERNEL_WORK: dict[str, Callable[[Labels], object]] = {
    "voxlake": lambda block: scan_chunks(block, block.shape),
    "fastremap.renumber + cc3d.statistics": _cc3d_statistics,
    "fastremap.unique, no boxes": _fastremap_unique,
    "np.unique, no boxes": lambda block: np.unique(block, return_counts=True),
}


def volumes_of(volume: Volume) -> Found:
    """Count the voxels of each label of the shard with our index."""
    indexed = stored_rows(volume, (0, 0, 0), run_ordered)
    if indexed is None:
        raise NotTheSameError(f"{volume.url} is not stored")
    rows = indexed[0]
    labels, first = np.unique(rows.labels, return_index=True)
    return _counted(labels, np.add.reduceat(rows.voxels, first))


def _layers(volume: Volume) -> list[ts.TensorStore]:
    return [volume.array[z : z + CHUNK] for z in range(0, SHARD, CHUNK)]


def _decoded(volume: Volume) -> None:
    for layer in _layers(volume):
        layer.read(order="C").result()


def _chunk_by_chunk(volume: Volume, find: Callable[[Labels], Found]) -> Found:
    """Read with TensorStore, a chunk at a time on as many threads as voxlake has."""
    total: dict[int, int] = {}
    works = (
        lambda part=part: find(volume.read(part).result())
        for part in volume.box.tiles(volume.chunk)
    )
    for found in run_ordered(works):
        for label, row in found.items():
            total[label] = total.get(label, 0) + row[0]
    return {label: (count,) for label, count in total.items()}


def _find_in(volume: Volume, part: Box, find: Callable[[Labels], Found]) -> Found:
    return find(volume.read(part).result())


def _by_zarr(volume: Volume) -> Found:
    array = zarr.open_array(str(volume.url.path), mode="r")
    total: dict[int, int] = {}
    for part in volume.box.tiles(volume.chunk):
        block = np.asarray(array[part.slices])
        labels, inverse, counts = np.unique(block, return_inverse=True, return_counts=True)
        places = np.unravel_index(np.argsort(inverse, axis=None, kind="stable"), block.shape)
        first = np.concatenate([[0], np.cumsum(counts)[:-1]])
        for axis in places:  # the boxes
            np.minimum.reduceat(axis, first)
            np.maximum.reduceat(axis, first)
        for label, count in zip(labels.tolist(), counts.tolist(), strict=True):
            total[label] = total.get(label, 0) + count
    return {label: (count,) for label, count in total.items() if label}


SHARD_WORK: dict[str, Callable[[Volume], Found | None]] = {
    "voxlake": volumes_of,
    "TensorStore + cc3d": lambda volume: _chunk_by_chunk(volume, by_cc3d),
    "TensorStore + fastremap.unique, no boxes": lambda volume: _chunk_by_chunk(
        volume, by_fastremap
    ),
    "zarr + NumPy": _by_zarr,
    "TensorStore, decoding alone": _decoded,
}


def rates_table(title: str, rates: list[Rate]) -> str:
    """Return the rates as a Markdown table, with the ratio of voxlake's to each."""
    ours = {one.data: one for one in rates if one.way == "voxlake"}
    head = ("data", "way", "MB/CPU s", "MB/s", "voxlake / it, CPU", "wall")
    lines = [
        (
            one.data,
            one.way,
            f"{one.mb_per_cpu_s:.0f}",
            f"{one.mb_per_s:.0f}",
            f"{ours[one.data].mb_per_cpu_s / one.mb_per_cpu_s:.2f}",
            f"{ours[one.data].mb_per_s / one.mb_per_s:.2f}",
        )
        for one in rates
    ]
    return markdown_table(title, [head, *lines])
