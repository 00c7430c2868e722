"""Writers in processes of their own, who write parts of the same shards at the same time.

Also run at full length by ``python -m benchmarks.concurrent_writes``.
"""

from __future__ import annotations

import multiprocessing
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.ngff.grid.box import Box
from voxlake.ngff.volume import open_volume
from voxlake.platform.store import as_zarr

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.queues import Queue
    from multiprocessing.synchronize import Barrier

    from voxlake.platform.store import StoreURL

WRITERS = 8

SHAPE, CHUNK, SHARD = (80, 96, 144), (16, 16, 16), (32, 48, 48)
"""18 shards of 18 chunks; none of the axes ends on a face of a shard but y and x."""

HOT = (40, 60, 60)
"""A voxel around which the parcels are smallest: its shard is written most."""

type Access = tuple[Callable[[Box], Any], Callable[[Box, int], None]]
"""How a writer reads a box, and how it writes one value into it."""


@dataclass(frozen=True, slots=True)
class Writer:
    """One of the writers: it owns every eighth parcel, and no one else writes there."""

    url: StoreURL
    number: int
    writes: int
    library: str = "voxlake"

    def steps(self) -> Iterator[tuple[Box, int]]:
        """Yield what it writes in turn: a box and its value, 0 in one of three."""
        chance = random.Random(self.number)
        mine = parcels(SHAPE, 12 * WRITERS)[self.number :: WRITERS]
        for count in range(self.writes):
            box = mine[count] if count < len(mine) else chance.choice(mine)
            yield box, chance.choice((0, 1 + chance.randrange(255), 1 + chance.randrange(255)))

    def run(self) -> int:
        """Write everything and return how many of its writes were lost before the next one."""
        read, write = _ACCESS[self.library](self.url)
        left: dict[Box, int] = {}
        lost = 0
        for box, value in self.steps():
            lost += not _holds(read, box, left.get(box, 0))
            write(box, value)
            left[box] = value
        return lost


def run_together(team: list[Writer]) -> list[int]:
    """Run a process for each writer, all at once, and return how many writes each saw lost."""
    context = multiprocessing.get_context("spawn")
    barrier, found = context.Barrier(len(team)), context.Queue()
    processes = [context.Process(target=_run, args=(barrier, found, writer)) for writer in team]
    for process in processes:
        process.start()
    lost = [found.get(timeout=280) for _ in processes]
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * len(team)
    return lost


def expected(team: list[Writer]) -> np.ndarray[Any, Any]:
    """Return what the voxels must be when all are done."""
    voxels = np.zeros(SHAPE, np.uint8)
    for writer in team:
        for box, value in writer.steps():
            voxels[box.slices] = value
    return voxels


def parcels(shape: tuple[int, ...], count: int, seed: int = 0) -> list[Box]:
    """Return `count` disjoint boxes of all sizes that cover `shape`, small ones around `HOT`."""
    chance = random.Random(seed)
    found = [Box.of_shape(shape)]
    while len(found) < count:
        hot = [box for box in found if box.contains(Box(HOT, tuple(at + 1 for at in HOT)))]
        box = hot[0] if hot[0].size > 64 and chance.random() < 0.3 else chance.choice(found)
        weights = [extent * chance.random() for extent in box.shape]
        axis = weights.index(max(weights))
        if box.shape[axis] < 2:
            continue
        cut = chance.randrange(box.start[axis] + 1, box.stop[axis])
        found.remove(box)
        found += _halves(box, axis, cut)
    chance.shuffle(found)
    return found


def _halves(box: Box, axis: int, cut: int) -> tuple[Box, Box]:
    low, high = list(box.stop), list(box.start)
    low[axis] = high[axis] = cut
    return Box(box.start, tuple(low)), Box(tuple(high), box.stop)


def _run(barrier: Barrier, found: Queue[int], writer: Writer) -> None:
    barrier.wait()
    found.put(writer.run())


def _holds(read: Callable[[Box], Any], box: Box, value: int) -> bool:
    try:
        return bool((read(box) == value).all())
    except Exception:  # noqa: BLE001  (torn while it was read: zarr-python raises many errors)
        return False


def _with_voxlake(url: StoreURL) -> Access:
    volume = open_volume(url)

    def write(box: Box, value: int) -> None:
        volume.write(box, np.full(box.shape, value, volume.dtype)).result()

    return lambda box: volume.read(box).result(), write


def _with_tensorstore(url: StoreURL) -> Access:
    """As a program of others writes: with TensorStore as it comes."""
    import tensorstore as ts

    kvstore = {"driver": "file", "path": f"{url.path}/"}
    spec = {"driver": "zarr3", "kvstore": kvstore, "store_data_equal_to_fill_value": True}
    array = ts.open(spec, open=True).result()

    def write(box: Box, value: int) -> None:
        with ts.Transaction() as transaction:
            array.with_transaction(transaction)[box.slices] = value

    return lambda box: array[box.slices].read().result(), write


def _with_zarr(url: StoreURL) -> Access:
    import zarr  # takes its time, and most writers go without

    array = zarr.open_array(as_zarr(url, read_only=False))

    def write(box: Box, value: int) -> None:
        with suppress(Exception):  # counted as lost when it is looked for
            array[box.slices] = value

    return lambda box: array[box.slices], write


_ACCESS: dict[str, Callable[[StoreURL], Access]] = {
    "voxlake": _with_voxlake,
    "tensorstore": _with_tensorstore,
    "zarr": _with_zarr,
}
