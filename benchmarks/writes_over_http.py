"""Several clients write to one shard of real supervoxels over HTTP: with commits, and without.

Each client writes boxes of its own part of the shard, one after another. What waits for the shard
is made in one commit, or each write alone; the ways take turns. In the end the shard holds what was
written, and the index says so.
"""

from __future__ import annotations

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx2
import numpy as np

from benchmarks.gateway_layers import served_at_port
from benchmarks.label_writes import WrongWriteError, supervoxels
from benchmarks.tables import markdown_table
from voxlake.api.app import create_app
from voxlake.api.data.writing import commits
from voxlake.api.identity.local import LocalIdentity
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.layout import Kind, Layout
from voxlake.ngff.grid.pyramid import Extent, plan_levels
from voxlake.ngff.labels.handle import Labels
from voxlake.ngff.labels.sidecars.build import index_shard
from voxlake.ngff.lake import Place
from voxlake.ngff.making.create import NewDataset, create_dataset
from voxlake.ngff.shards.whole import write_shard
from voxlake.ngff.volume import open_volume
from voxlake.platform.catalog import DatasetRecord, DatasetState, open_catalog
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy.typing as npt

    from benchmarks.rounds import Say

    type Voxels = npt.NDArray[np.uint64]

SHARD, CHUNK, BOX = 512, 64, 64
"""Edges, in voxels."""
CLIENTS, WRITES = 8, 12
"""Who write at the same time, and how often each, in a row, of one way."""
CELL = (0, 0, 0)
TOKEN = "x" * 40
PLACE = Place(DatasetName("bench", "fib25", "cells"), Kind.LABELS)
WAYS = {"in commits": commits.MOST_TOGETHER, "one by one": 1}
"""Changes that one commit may have."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Writes of all clients together."""

    way: str
    placed: str
    a_second: float
    median_ms: float
    """Until a client has its answer."""


def run_writes_over_http(folder: Path, repeats: int, say: Say) -> dict[str, Any]:
    """Write in all ways in turn, print the table and return all figures."""
    voxels, found = supervoxels(), []
    for placed, offset in (("on the chunk grid", 0), ("across it", 13)):
        say(f"writes over HTTP: {BOX}^3 {placed}")
        lake = StoreURL.parse(str(folder / f"writes-{offset}"))
        with _lake(lake, voxels) as (shard, port):
            took = {way: list[float]() for way in WAYS}
            seconds = dict.fromkeys(WAYS, 0.0)
            shard.write_all(port, offset, 1)  # loads what is needed
            for _ in range(repeats):
                for way, most in WAYS.items():
                    commits.MOST_TOGETHER = most
                    began = time.perf_counter()
                    took[way] += shard.write_all(port, offset, WRITES)
                    seconds[way] += time.perf_counter() - began
            commits.MOST_TOGETHER = WAYS["in commits"]
            shard.check()
        found += [
            Rate(way, placed, len(took[way]) / seconds[way], 1e3 * statistics.median(took[way]))
            for way in WAYS
        ]
    print(table_of(found), flush=True)
    return {"writes over HTTP": [asdict(each) for each in found]}


@contextmanager
def _lake(lake: StoreURL, voxels: Voxels) -> Iterator[tuple[_Shard, int]]:
    """Serve labels of one shard."""
    lake.path.mkdir(parents=True)
    axes, size = ("z", "y", "x"), VoxelSize(10, 10, 10)
    [level] = plan_levels(Kind.LABELS, Extent(voxels.shape, axes, size), 1)
    layout = Layout((CHUNK,) * 3, (SHARD,) * 3, 1)
    levels = (replace(level, layout=layout),)
    dataset = NewDataset(PLACE, axes, "nanometer", voxels.dtype, levels)
    volume = open_volume(create_dataset(lake, dataset) / "0")
    write_shard(volume, CELL, voxels)
    index_shard(volume, CELL, lake / PLACE.index_key)
    settings = Settings()
    with open_catalog(lake, settings) as catalog:
        catalog.add_dataset(
            DatasetRecord(
                name=PLACE.name,
                kind="labels",
                of=None,
                url=PLACE.key,
                state=DatasetState.READY,
                public=False,
                created_at=datetime.now(UTC),
            )
        )
        with served_at_port(create_app(settings, lake, catalog, LocalIdentity(TOKEN))) as port:
            yield _Shard(Labels(volume, lake / PLACE.index_key), voxels.copy()), port


class _Shard:
    """Labels of one shard, and what they are to be."""

    def __init__(self, labels: Labels, voxels: Voxels) -> None:
        self.labels, self.voxels, self.next = labels, voxels, 1 << 40

    def write_all(self, port: int, offset: int, writes: int) -> list[float]:
        """Have each client write into its own part, and return the seconds of each write."""
        with ThreadPoolExecutor(CLIENTS) as pool:
            first = self.next
            self.next += CLIENTS * writes
            asked = [
                pool.submit(self._write, client, port, offset, first + client * writes, writes)
                for client in range(CLIENTS)
            ]
            return [seconds for each in asked for seconds in each.result()]

    def _write(self, number: int, port: int, offset: int, label: int, writes: int) -> list[float]:
        rng, half, took = np.random.default_rng(label), SHARD // 2, []
        corner = np.array(np.unravel_index(number, (2, 2, 2))) * half
        url = f"http://127.0.0.1:{port}/v2/datasets/{PLACE.name}/cutout"
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/octet-stream"}
        with httpx2.Client(headers=headers, timeout=120, trust_env=False) as client:
            for turn in range(writes):
                room = (half - BOX - offset) // CHUNK + 1
                start = (corner + rng.integers(0, room, 3) * CHUNK + offset).tolist()
                part = self.voxels[tuple(slice(lo, lo + BOX) for lo in start)]
                part[part == part[0, 0, 0]] = label + turn
                box = {n: f"{lo}:{lo + BOX}" for n, lo in zip("zyx", start, strict=True)}
                body = part.tobytes()
                began = time.perf_counter()
                answer = client.put(url, params=box, content=body)
                took.append(time.perf_counter() - began)
                answer.raise_for_status()
        return took

    def check(self) -> None:
        """Hold what is stored, and its index, to what was written."""
        volume = self.labels.volume
        if not np.array_equal(volume.read(volume.box).result(), self.voxels):
            raise WrongWriteError("the shard does not hold what was written")
        there, counts = np.unique(self.voxels[self.voxels != 0], return_counts=True)
        table = self.labels.view().all()
        if not (np.array_equal(table.labels, there) and np.array_equal(table.voxels, counts)):
            raise WrongWriteError("the index is not true of what was written")


def table_of(found: list[Rate]) -> str:
    """Return the figures as a table."""
    alone = {each.placed: each.a_second for each in found if each.way == "one by one"}
    head = (f"{BOX}^3", "way", "writes a second", "median ms", "rate / one by one")
    lines = [
        (
            each.placed,
            each.way,
            f"{each.a_second:.1f}",
            f"{each.median_ms:.0f}",
            f"{each.a_second / alone[each.placed]:.2f}",
        )
        for each in found
    ]
    return markdown_table(f"{CLIENTS} clients write to one shard over HTTP", [head, *lines])
