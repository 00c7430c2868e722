"""How the peers read the stack: slices decoded by a few threads."""

from __future__ import annotations

import itertools
import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import imagecodecs
import numpy as np
import numpy.typing as npt
import tifffile

from benchmarks.case import Case, shard_shape

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future
    from pathlib import Path

THREADS = os.cpu_count() or 1

AHEAD = 4
"""Slices that each thread may be ahead of who takes them."""


def read_slice(path: Path) -> npt.NDArray[np.uint8]:
    """Return a slice, (y, x): of the decoders of PNG in use among peers, the fastest."""
    if path.suffix == ".png":
        return np.asarray(imagecodecs.png_decode(path.read_bytes()))
    return np.asarray(tifffile.imread(path))


def read_slab(case: Case, start: int, stop: int) -> npt.NDArray[np.uint8]:
    """Return the slices [start, stop) of the stack, (z, y, x)."""
    paths = case.slices[start:stop]
    slab = np.empty((len(paths), *case.shape[1:]), np.uint8)

    def read(index: int) -> None:
        slab[index] = read_slice(paths[index])

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(read, range(len(paths))))
    return slab


def slices_ahead(case: Case) -> Iterator[npt.NDArray[np.uint8]]:
    """Yield the slices in order, while threads decode the next ones."""
    with ThreadPoolExecutor(THREADS) as pool:
        waiting: deque[Future[npt.NDArray[np.uint8]]] = deque()
        for path in case.slices:
            waiting.append(pool.submit(read_slice, path))
            if len(waiting) > AHEAD * THREADS:
                yield waiting.popleft().result()
        for decoded in waiting:
            yield decoded.result()


def shard_slabs(case: Case, level: int) -> Iterator[tuple[int, int]]:
    """Yield the range of z of each layer of shards of a level."""
    document = case.documents[level]
    depth = shard_shape(document)[0]
    for start in range(0, document["shape"][0], depth):
        yield start, min(start + depth, document["shape"][0])


def shard_boxes(case: Case, level: int) -> Iterator[tuple[slice, ...]]:
    """Yield the box of each shard of a level, cut to the level."""
    document = case.documents[level]
    shard, shape = shard_shape(document), document["shape"]
    starts = (range(0, extent, step) for extent, step in zip(shape, shard, strict=True))
    for start in itertools.product(*starts):
        yield tuple(
            slice(at, min(at + step, extent))
            for at, step, extent in zip(start, shard, shape, strict=True)
        )
