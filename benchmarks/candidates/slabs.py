"""How the peers read the stack: slices decoded by a few threads into one array."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import tifffile

from benchmarks.case import Case, shard_shape

if TYPE_CHECKING:
    from collections.abc import Iterator

THREADS = os.cpu_count() or 1


def read_slab(case: Case, start: int, stop: int) -> npt.NDArray[np.uint8]:
    """Return the slices [start, stop) of the stack, (z, y, x)."""
    paths = case.slices[start:stop]
    slab = np.empty((len(paths), *case.shape[1:]), np.uint8)

    def read(index: int) -> None:
        slab[index] = tifffile.imread(paths[index])

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(read, range(len(paths))))
    return slab


def shard_slabs(case: Case, level: int) -> Iterator[tuple[int, int]]:
    """Yield the range of z of each layer of shards of a level."""
    document = case.documents[level]
    depth = shard_shape(document)[0]
    for start in range(0, document["shape"][0], depth):
        yield start, min(start + depth, document["shape"][0])
