"""TensorStore by itself: whole layers of shards written, levels in two ways, its reads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import tensorstore as ts

from benchmarks.boxes import FIRST, box_megabytes, cutout_boxes, first_read
from benchmarks.candidates.slabs import THREADS, read_slab, shard_boxes, shard_slabs
from benchmarks.case import Case, Step, create_array

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def ingest(case: Case) -> Iterator[Step]:
    """Write level 0 from the stack."""
    array = open_array(create_array(case, 0))

    def run() -> None:
        for start, stop in shard_slabs(case, 0):
            array[start:stop].write(read_slab(case, start, stop)).result()

    yield Step("ingest", case.megabytes, run)


def pyramid(case: Case) -> Iterator[Step]:
    """Write each level from the one below it: what becomes a shard is read, reduced and written."""
    arrays = _levels(case)

    def one_shard(level: int, box: tuple[slice, ...]) -> None:
        steps = factors(case, level)
        below = tuple(
            slice(part.start * step, min(part.stop * step, extent))
            for part, step, extent in zip(box, steps, arrays[level - 1].shape, strict=True)
        )
        fine = ts.array(read(arrays[level - 1], below))
        arrays[level][box].write(ts.downsample(fine, steps, "mean").read().result()).result()

    def run() -> None:
        with ThreadPoolExecutor(THREADS) as pool:
            for level in range(1, len(arrays)):
                list(pool.map(partial(one_shard, level), shard_boxes(case, level)))

    yield Step("pyramid", case.megabytes, run)


def downsample_driver(case: Case) -> Iterator[Step]:
    """Write each level from a view of the one below it that reduces it chunk by chunk."""
    arrays = _levels(case)

    def run() -> None:
        for level in range(1, len(arrays)):
            reduced = ts.downsample(arrays[level - 1], factors(case, level), "mean")
            for start, stop in shard_slabs(case, level):
                arrays[level][start:stop].write(reduced[start:stop]).result()

    yield Step("pyramid", case.megabytes, run)


def _levels(case: Case) -> list[ts.TensorStore]:
    """Return level 0 and the empty levels above it."""
    levels = range(1, len(case.documents))
    return [
        open_array(case.stored / "0"),
        *(open_array(create_array(case, level)) for level in levels),
    ]


def cutout(case: Case, cache_bytes: int) -> Iterator[Step]:
    """Read boxes of level 0."""
    stored = case.stored / "0"
    yield first_read(lambda: read(open_array(stored, cache_bytes), FIRST))
    array = open_array(stored, cache_bytes)
    for name, box in cutout_boxes(case):
        yield Step(name, box_megabytes(box), partial(read, array, box))


def read(array: ts.TensorStore, box: tuple[slice, ...]) -> npt.NDArray[np.uint8]:
    """Return the voxels of a box."""
    return np.asarray(array[box].read(order="C").result())


def open_array(folder: Path, cache_bytes: int = 0) -> ts.TensorStore:
    """Open an array that is there."""
    spec = {"driver": "zarr3", "kvstore": {"driver": "file", "path": f"{folder}/"}}
    context = ts.Context({"cache_pool": {"total_bytes_limit": cache_bytes}})
    return ts.open(spec, open=True, context=context).result()


def factors(case: Case, level: int) -> list[int]:
    """Return the voxels of the level below that one of `level` spans, along each axis."""
    fine, coarse = (case.documents[number]["shape"] for number in (level - 1, level))
    return [1 if a == b else 2 for a, b in zip(fine, coarse, strict=True)]
