"""As igneous does it: tinybrain's means of a region at a time, all levels; TensorStore for I/O."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.candidates.slabs import THREADS, shard_boxes
from benchmarks.candidates.tensorstore import factors, open_array
from benchmarks.case import Case, Step, create_array

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

tinybrain = import_module("tinybrain")


def pyramid(case: Case) -> Iterator[Step]:
    """Write all levels above 0 in one pass: a region is what becomes a shard of level 1."""
    levels = range(1, len(case.documents))
    finest = open_array(case.stored / "0")
    targets = [open_array(create_array(case, level)) for level in levels]
    steps = [tuple(factors(case, level)) for level in levels]

    def one_region(box: tuple[slice, ...]) -> None:
        voxels = np.asarray(finest[box].read().result())
        at = np.array([part.start for part in box])
        for target, factor in zip(targets, steps, strict=True):
            voxels, at = _mean(voxels, factor), at // factor
            end = np.minimum(at + voxels.shape, target.shape)
            target[tuple(slice(int(a), int(b)) for a, b in zip(at, end, strict=True))] = voxels

    def run() -> None:
        # Two at a time is what fits: a region is up to eight shards.
        with ThreadPoolExecutor(min(THREADS, 2)) as pool:
            list(pool.map(one_region, _regions(case)))

    yield Step("pyramid", case.megabytes, run)


def _mean(voxels: npt.NDArray[np.uint8], factor: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    (reduced,) = tinybrain.downsample_with_averaging(voxels.T, factor[::-1])
    return np.asarray(reduced).T


def _regions(case: Case) -> Iterator[tuple[slice, ...]]:
    steps = factors(case, 1)
    for box in shard_boxes(case, 1):
        yield tuple(
            slice(part.start * step, min(part.stop * step, extent))
            for part, step, extent in zip(box, steps, case.shape, strict=True)
        )
