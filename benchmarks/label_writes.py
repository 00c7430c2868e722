"""Writes into part of a shard of real supervoxels, in the ways that there are, by turns.

A write is over when it is durable and every query sees it: marker, voxels, index, marker. Beside
it stand ways that keep no index, and what a shard is indexed anew for. In the end all shards hold
what was written, and the index says so.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import zarr
from zarr.codecs import ZstdCodec

from benchmarks.codec_data import fib25_supervoxels
from benchmarks.tables import markdown_table
from voxlake.ngff.grid.box import Box
from voxlake.ngff.labels.handle import Labels
from voxlake.ngff.labels.scan.rows import find_rows
from voxlake.ngff.labels.sidecars.build import index_shard
from voxlake.ngff.labels.sidecars.trust import shard_etag, trusted_rows
from voxlake.ngff.labels.upkeep.marker import close_marker, open_marker
from voxlake.ngff.labels.writing import write_labels
from voxlake.ngff.shards.whole import read_shard, write_shard
from voxlake.ngff.volume import open_volume
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy.typing as npt

    from benchmarks.rounds import Say

    type Voxels = npt.NDArray[np.uint64]
    type Write = Callable[[Labels, Box, Voxels], object]

SHARD, CHUNK, BOX = 512, 64, 64
"""Edges, in voxels."""
WRITES = 20
"""Of each way, for each repeat."""
CELL = (0, 0, 0)
OURS = "voxlake"


class WrongWriteError(Exception):
    """A shard does not hold what was written, or the index says something else."""


@dataclass(frozen=True, slots=True)
class Written:
    """What the writes of one way took, in milliseconds."""

    way: str
    placed: str
    median: float
    least: float
    indexed: bool


def index_anew(labels: Labels, box: Box, voxels: Voxels) -> None:
    """Write by TensorStore, and index the whole shard."""
    marker = open_marker(labels.index_url, CELL, "benchmark")
    labels.volume.write(box, voxels).result()
    index_shard(labels.volume, CELL, labels.index_url)
    close_marker(marker, "benchmark")


def by_tensorstore(labels: Labels, box: Box, voxels: Voxels) -> None:
    """Write by TensorStore, under our lock."""
    labels.volume.write(box, voxels).result()


def by_zarr(labels: Labels, box: Box, voxels: Voxels) -> None:
    """Write by zarr-python, which is safe for a single writer alone."""
    array: Any = zarr.open_array(str(labels.volume.url.path), mode="r+")
    array[box.slices] = voxels


WAYS: dict[str, tuple[Write, bool]] = {
    OURS: (write_labels, True),
    "the shard indexed anew": (index_anew, True),
    "TensorStore, no index": (by_tensorstore, False),
    "zarr-python, no index": (by_zarr, False),
}
"""What writes, and whether the index is true afterwards."""


def run_label_writes(folder: Path, repeats: int, say: Say) -> dict[str, Any]:
    """Write by all ways in turn, print the table and return all figures."""
    voxels = supervoxels()
    rng = np.random.default_rng(1)
    found = []
    for placed, offset in (("on the chunk grid", 0), ("across it", 13)):
        say(f"label writes: {BOX}^3 {placed}")
        shards = {
            way: _Shard(folder / f"{offset}-{n}.ome.zarr", voxels, write)
            for n, (way, (write, _)) in enumerate(WAYS.items())
        }
        for _ in range(repeats * WRITES):
            start = tuple(int(n) * CHUNK + offset for n in rng.integers(0, SHARD // CHUNK - 1, 3))
            box = Box(start, tuple(n + BOX for n in start))
            label = int(rng.integers(1, 1 << 63))
            for shard in shards.values():
                shard.paint(box, label)
        found += [shards[way].result(way, placed) for way in WAYS]
    print(table_of(found), flush=True)
    return {"label writes": [asdict(each) for each in found]}


def supervoxels() -> Voxels:
    """Return a shard of supervoxels: those of the sample, again and again."""
    cube = fib25_supervoxels()
    times = -(-SHARD // len(cube))
    return np.tile(cube, (times,) * 3)[:SHARD, :SHARD, :SHARD].copy()


class _Shard:
    """A volume of one shard, what it is to hold, and what its writes took."""

    def __init__(self, folder: Path, voxels: Voxels, write: Write) -> None:
        zarr.create_array(
            str(folder / "0"),
            shape=voxels.shape,
            chunks=(CHUNK,) * 3,
            shards=(SHARD,) * 3,
            dtype="uint64",
            fill_value=0,
            compressors=[ZstdCodec(level=3, checksum=True)],
        )
        url = StoreURL.parse(str(folder))
        self.labels = Labels(open_volume(url / "0"), url / "index")
        self.voxels, self.took, self.write = voxels.copy(), list[float](), write
        write_shard(self.labels.volume, CELL, voxels)
        index_shard(self.labels.volume, CELL, self.labels.index_url)

    def paint(self, box: Box, label: int) -> None:
        """Put a label in the place of one that is in the box."""
        part = self.voxels[box.slices]
        part[part == part[0, 0, 0]] = label
        voxels = part.copy()
        began = time.perf_counter()
        self.write(self.labels, box, voxels)
        self.took.append(1e3 * (time.perf_counter() - began))

    def result(self, way: str, placed: str) -> Written:
        """Hold what is stored to what it is to be, and return what the writes took."""
        indexed = WAYS[way][1]
        self._check(indexed=indexed)
        took = self.took[1:]  # the first loads what it needs
        return Written(way, placed, statistics.median(took), min(took), indexed)

    def _check(self, *, indexed: bool) -> None:
        volume = self.labels.volume
        stored, _ = read_shard(volume, CELL)
        if not np.array_equal(stored, self.voxels):
            raise WrongWriteError("the shard does not hold what was written")
        etag = shard_etag(volume, CELL)
        rows = trusted_rows(volume, self.labels.index_url, CELL, etag or "")
        if not indexed:
            return
        true = find_rows(volume, CELL, stored)
        if rows is None or not all(
            np.array_equal(getattr(rows, name), getattr(true, name))
            for name in ("labels", "chunks", "voxels", "start", "stop")
        ):
            raise WrongWriteError("the index is not true of what was written")


def table_of(found: list[Written]) -> str:
    """Return the figures as a table."""
    ours = {each.placed: each.median for each in found if each.way == OURS}
    head = (f"{BOX}^3", "way", "indexed", "median ms", "least ms", "voxlake / it")
    lines = [
        (
            each.placed,
            each.way,
            "yes" if each.indexed else "no",
            f"{each.median:.1f}",
            f"{each.least:.1f}",
            f"{each.median / ours[each.placed]:.2f}",
        )
        for each in found
    ]
    return markdown_table("Writes into a shard of supervoxels", [head, *lines])
