"""Many write labels over HTTP while the gateway is killed: what was acknowledged is there, indexed.

They write by the native API, and by bossDB's.

Jobs make the coarser levels follow, while others write; after each kill, and in the end, these are
what they are when all of them are made anew.

Boxes are disjoint and share chunks and shards; some erase. ``VOXLAKE_TEST_WRITES`` and
``VOXLAKE_TEST_WRITE_KILLS`` say how many writes and kills there are (``make writes``).
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx2
import numpy as np
import pytest
from numcodecs import blosc
from tests.api.lakes import Sample, add_sample, label_voxels
from tests.api.test_serve import PROGRAM

from voxlake.compute.jobs import Workspace, run_job, start_downsample
from voxlake.compute.passes.reduce import downsample
from voxlake.ngff.grid.box import Box
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.labels.handle import Labels, open_labels
from voxlake.ngff.lake import Place
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from voxlake.platform.store import StoreURL

pytestmark = pytest.mark.timeout(3600)

WRITES = int(os.environ.get("VOXLAKE_TEST_WRITES", "100"))
KILLS = int(os.environ.get("VOXLAKE_TEST_WRITE_KILLS", "1"))
CLIENTS = 64
NAME = "lab/brain/cells"
PLACE = Place(DatasetName.parse(NAME), Kind.LABELS)
EXTENT, SIDE = 80, 4
"""Of the volume and of a box along each axis; shards have 32 voxels, chunks 16."""
FIRST, IDS = 1000, 300
ADDRESS = f"/v2/datasets/{NAME}/cutout"


@dataclass
class Gateway:
    """A gateway in a process of its own, which is killed and started again."""

    lake: StoreURL
    secrets: Path
    url: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [sys.executable, "-c", PROGRAM, str(self.lake), str(self.secrets)]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self.process.stdout is not None
        self.url, _, token_file = json.loads(self.process.stdout.readline())
        with open(token_file, encoding="ascii") as file:  # noqa: PTH123  (a few bytes)
            self.headers = {"Authorization": f"Bearer {file.read()}"}

    def kill(self) -> None:
        """End it without notice."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            assert self.process.stdout is not None
            self.process.stdout.close()


@dataclass(frozen=True)
class Write:
    """One box, what is to be there, and how it is sent."""

    number: int
    box: Box
    voxels: npt.NDArray[np.uint64]

    @property
    def query(self) -> dict[str, str]:
        """The box in a query."""
        ends = zip("zyx", self.box.start, self.box.stop, strict=True)
        return {axis: f"{lo}:{hi}" for axis, lo, hi in ends}

    @property
    def boss_path(self) -> str:
        """The end of the box's address in bossDB's API."""
        ends = zip(self.box.start[::-1], self.box.stop[::-1], strict=True)
        return f"{NAME}/0/{'/'.join(f'{lo}:{hi}' for lo, hi in ends)}/"

    async def send(self, client: httpx2.AsyncClient, gateway: Gateway) -> httpx2.Response:
        """Send it, in one way or another, by the native API or bossDB's."""
        sent, query = dict(gateway.headers), self.query
        address, boss = f"{gateway.url}{ADDRESS}", f"{gateway.url}/v1/cutout"
        by_boss = self.number % 2
        if len(values := np.unique(self.voxels)) == 1:
            if by_boss and not values[0]:
                return await client.put(f"{boss}/to_black/{self.boss_path}", headers=sent)
            return await client.put(address, params={**query, "fill": str(values[0])}, headers=sent)
        if by_boss:
            sent["Content-Type"] = "application/blosc"
            content = blosc.compress(self.voxels, b"lz4", 5, blosc.NOSHUFFLE)
            return await client.post(f"{boss}/{self.boss_path}", content=content, headers=sent)
        body = io.BytesIO()
        np.save(body, self.voxels)
        raw = self.number % 4
        sent["Content-Type"] = "application/octet-stream" if raw else "application/x-npy"
        content = self.voxels.tobytes() if raw else body.getvalue()
        return await client.put(address, params=query, content=content, headers=sent)


def writes_of(rng: np.random.Generator) -> list[Write]:
    """Return what is written, in any order."""
    cells = rng.permutation((EXTENT // SIDE) ** 3)[:WRITES]
    found = []
    for number, cell in enumerate(cells.tolist()):
        start = np.array(np.unravel_index(cell, (EXTENT // SIDE,) * 3)) * SIDE
        box = Box(tuple(start.tolist()), tuple((start + SIDE).tolist()))
        voxels = np.full(box.shape, FIRST + number % IDS, np.uint64)
        if number % 5 == 0:
            voxels[...] = 0
        elif number % 3:
            voxels[rng.random(box.shape) < 0.4] = FIRST + (number + 1) % IDS
        found.append(Write(number, box, voxels))
    return found


class Campaign:
    """Writers that try until they are answered, and a gateway that dies now and then."""

    def __init__(self, gateway: Gateway, voxels: npt.NDArray[np.uint64]) -> None:
        self.gateway, self.voxels = gateway, voxels
        self.there = asyncio.Event()
        self.acknowledged, self.answered = list[Write](), asyncio.Queue[int]()

    async def run(self, writes: list[Write]) -> None:
        """Have all written."""
        waiting = list(reversed(writes))
        every = -(-len(writes) // (KILLS + 1))
        self.there.set()
        async with httpx2.AsyncClient(timeout=120) as client, asyncio.TaskGroup() as group:
            for _ in range(CLIENTS):
                group.create_task(self._write_each(client, waiting))
            for _ in range(KILLS):
                await self._wait_for(every // 2)
                following = asyncio.create_task(asyncio.to_thread(follow, self.gateway.lake))
                await self._wait_for(every - every // 2)
                await following
                await self._kill()

    async def _wait_for(self, answers: int) -> None:
        for _ in range(answers):
            await self.answered.get()

    async def _write_each(self, client: httpx2.AsyncClient, waiting: list[Write]) -> None:
        while waiting:
            write = waiting.pop()
            while True:
                await self.there.wait()
                try:
                    answer = await write.send(client, self.gateway)
                except httpx2.TransportError:
                    await asyncio.sleep(0.05)
                    continue
                assert answer.is_success, answer.text
                break
            self.voxels[write.box.slices] = write.voxels
            self.acknowledged.append(write)
            self.answered.put_nowait(write.number)

    async def _kill(self) -> None:
        """Kill the gateway, look at what it left, and start it again."""
        self.there.clear()
        self.gateway.kill()
        stored = await asyncio.to_thread(check, self.gateway.lake)
        for write in self.acknowledged:
            np.testing.assert_array_equal(stored[write.box.slices], write.voxels)
        await asyncio.to_thread(follow, self.gateway.lake)
        await asyncio.to_thread(check_levels, self.gateway.lake)
        await asyncio.to_thread(self.gateway.start)
        self.there.set()


def check(lake: StoreURL) -> npt.NDArray[np.uint64]:
    """Compare the index with the voxels as they are stored, and return these."""
    labels = labels_of(lake)
    voxels: npt.NDArray[np.uint64] = labels.volume.read(labels.volume.box).result()
    there, counts = np.unique(voxels[voxels != 0], return_counts=True)
    table = labels.view().all()
    np.testing.assert_array_equal(table.labels, there)
    np.testing.assert_array_equal(table.voxels, counts)
    where = np.argwhere(voxels)
    ids = voxels[tuple(where.T)]
    order = np.argsort(ids, kind="stable")
    bounds = np.searchsorted(ids[order], there)
    np.testing.assert_array_equal(table.start, np.minimum.reduceat(where[order], bounds))
    np.testing.assert_array_equal(table.stop, np.maximum.reduceat(where[order], bounds) + 1)
    return voxels


def follow(lake: StoreURL) -> None:
    """Make what is stale of the coarser levels."""
    with Workspace.opened(lake, Settings(workers=0)) as workspace:
        run_job(workspace, start_downsample(workspace, PLACE.name, stale=True))


def check_levels(lake: StoreURL) -> None:
    """Compare the coarser levels with what all of level 0 makes them."""
    with Workspace.opened(lake, Settings(workers=0)) as workspace:
        dataset = workspace.dataset(PLACE)
    voxels = dataset.level(0).read(dataset.level(0).box).result()
    for number in range(1, dataset.levels):
        voxels = downsample(voxels, dataset.step(number), dataset.reduction)
        level = dataset.level(number)
        np.testing.assert_array_equal(level.read(level.box).result(), voxels)


def labels_of(lake: StoreURL) -> Labels:
    """Open the labels anew."""
    return open_labels(lake / PLACE.key, lake / PLACE.index_key)


@pytest.mark.parametrize("kind", ["file", "s3"])
def test_nothing_that_was_acknowledged_is_lost(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake: StoreURL = request.getfixturevalue({"file": "lake", "s3": "s3_store"}[kind])
    monkeypatch.setenv("VOXLAKE_DATABASE_URL", f"sqlite:///{tmp_path}/catalog.sqlite")
    voxels = label_voxels((EXTENT,) * 3)
    with Workspace.opened(lake, Settings(workers=0)) as workspace:
        add_sample(lake, workspace.catalog, Sample(NAME, voxels.copy(), Kind.LABELS, levels=3))
        run_job(workspace, start_downsample(workspace, PLACE.name))
    gateway = Gateway(lake, tmp_path / "secrets")
    gateway.start()
    try:
        campaign = Campaign(gateway, voxels)
        asyncio.run(campaign.run(writes_of(np.random.default_rng())))
    finally:
        gateway.kill()
    assert len(campaign.acknowledged) == WRITES
    np.testing.assert_array_equal(check(lake), voxels)
    follow(lake)
    check_levels(lake)
