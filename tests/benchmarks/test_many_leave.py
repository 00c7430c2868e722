"""Clients that leave, by the thousand: no task, no memory and no thread stays behind."""

from __future__ import annotations

import os
import random
import socket
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx2
import numpy as np
import pytest
from benchmarks.gateway_memory import Watch, running
from tests.api.lakes import Sample, add_sample, label_voxels

from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.labels.mapping.changes import merge
from voxlake.ngff.lake import Place
from voxlake.platform.catalog import open_catalog
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator

REQUESTS = int(os.environ.get("VOXLAKE_ABORTED_REQUESTS", "1000"))
WARM = max(1000, REQUESTS // 5)
"""Requests after which caches, threads and the allocator have what they keep."""
AT_ONCE = 24
MEMORY_BYTES = 256 << 20
SHAPE = (2, 48, 512, 512)
CELLS = (96, 100, 104)
DONE_SECONDS = 45.0
"""A client that left is seen at once, or where its window was closed when it did, only by the next
probe of the system; it is cut off after `gateway_send_timeout_s`, 30 seconds, at the latest."""
POOLS = 40 + 16
"""Threads that a gateway keeps for reads and for questions."""
PATHS = (
    "em/cutout",
    "em/cutout?format=npz",
    "em/cutout?c=0&z=0:32&format=hdf5",
    "em/image?z=5",
    "em/tiles/xz/0/7/0/0?c=1&window=3:90",
    "cells/cutout?bodies=true",
    "cells/cutout?filter=1,2&format=zarr",
    "cells/image?z=5&bodies=true",
    "cells/labels?z=3:90&y=5:80&counts=true",
    "cells/labels/top",
    "cells/labels/1/sparse-volume?format=srles",
    "cells/labels/1/mask",
    "cells/labels/1/points?count=50",
)


@dataclass(frozen=True)
class Served:
    """A gateway in a process of its own, as it is run, and what it counts."""

    url: str
    watch: Watch

    def whole(self) -> dict[str, bytes]:
        """Return all answers, taken to their ends."""
        with httpx2.Client(base_url=f"{self.url}/v2/datasets/lab/brain/", timeout=60) as client:
            answers = {path: client.get(path) for path in PATHS}
        assert {answer.status_code for answer in answers.values()} == {200}
        return {path: answer.content for path, answer in answers.items()}

    def settled(self) -> dict[str, Any]:
        """Return what is counted once the gateway is done with all who left."""
        deadline = time.monotonic() + DONE_SECONDS
        while (left := self.watch.counted())["held"] or left["waiting"] or left["tasks"] > 2:
            assert time.monotonic() < deadline, left
            time.sleep(0.05)
        return self.watch.counted(trimmed=True)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("leaving") / "lake"
    lake = StoreURL.parse(str(folder))
    with open_catalog(lake, Settings()) as catalog:
        row = np.random.default_rng(1).integers(0, 256, SHAPE[-1], np.uint8)
        voxels = np.ascontiguousarray(np.broadcast_to(row, SHAPE))
        axes = ("c", "z", "y", "x")
        em = Sample("lab/brain/em", voxels, public=True, axes=axes, levels=1, small=False)
        cells = Sample("lab/brain/cells", label_voxels(CELLS), Kind.LABELS, public=True)
        for sample in (em, cells):
            add_sample(lake, catalog, sample)
        place = Place(DatasetName.parse(cells.name), Kind.LABELS, None)
        merge(lake / place.index_key, [1, 2])
    with running(folder, MEMORY_BYTES) as (url, process):
        yield Served(url, Watch(process))


def leave(url: str, number: int) -> None:
    """Ask, take some of the answer or nothing, and leave: orderly, or with a reset."""
    chosen = random.Random(number)
    host, port = url.removeprefix("http://").split(":")
    path = f"/v2/datasets/lab/brain/{PATHS[number % len(PATHS)]}"
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 14)
        client.connect((host, int(port)))
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        time.sleep(chosen.choice([0, 0, 0.001, 0.01, 0.05]))
        for _ in range(chosen.choice([0, 0, 1, 3, 40])):
            client.settimeout(0.05)
            try:
                client.recv(1 << 14)
            except TimeoutError:
                break
        if chosen.random() < 0.5:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def leave_many(served: Served, numbers: range) -> dict[str, Any]:
    """Let many leave, and return what is counted once the gateway is done with them."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in pool.map(leave, [served.url] * len(numbers), numbers):
            pass
    return served.settled()


def test_nothing_stays_of_clients_that_left(served: Served) -> None:
    threads = served.watch.counted()["threads"]
    whole = served.whole()
    before = leave_many(served, range(WARM))
    after = leave_many(served, range(WARM, WARM + REQUESTS))
    grown = after["resident"] - before["resident"]
    assert grown < before["resident"] * 0.05, f"{grown >> 20} of {before['resident'] >> 20} MiB"
    assert (after["held"], after["waiting"]) == (0, 0)
    assert after["threads"] - threads < POOLS + 20
    assert served.whole() == whole
