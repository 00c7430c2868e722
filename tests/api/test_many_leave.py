"""Clients that leave, by the thousand: no task, no memory and no thread stays behind."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import random
import socket
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import numpy as np
import pytest
from tests.api.conftest import TOKEN, run_app
from tests.api.lakes import Sample, add_sample, label_voxels

from voxlake.api.app import create_app
from voxlake.api.identity.local import LocalIdentity
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.labels.mapping.changes import merge
from voxlake.ngff.lake import Place
from voxlake.platform.catalog import open_catalog
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import Receive, Scope, Send

REQUESTS = int(os.environ.get("VOXLAKE_ABORTED_REQUESTS", "1000"))
WARM = 1000
"""Requests after which caches and the allocator have what they keep."""
AT_ONCE = 24
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


@dataclass
class Served:
    """A gateway in this process, and its event loop."""

    app: Any
    url: str = ""
    loop: asyncio.AbstractEventLoop | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, and remember where."""
        self.loop = asyncio.get_running_loop()
        await self.app(scope, receive, send)

    def left(self) -> dict[str, int]:
        """Return what is there that a request may leave behind."""
        assert self.loop is not None
        gateway = self.app.state.gateway
        return {
            "tasks": len([task for task in asyncio.all_tasks(self.loop) if not task.done()]),
            "held": gateway.answers.used_bytes,
            "waiting": gateway.answers.waiting,
        }


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    lake, settings = StoreURL.parse(str(tmp_path_factory.mktemp("leaving") / "lake")), Settings()
    with open_catalog(lake, settings) as catalog:
        row = np.random.default_rng(1).integers(0, 256, SHAPE[-1], np.uint8)
        voxels = np.ascontiguousarray(np.broadcast_to(row, SHAPE))
        axes = ("c", "z", "y", "x")
        em = Sample("lab/brain/em", voxels, public=True, axes=axes, levels=1, small=False)
        cells = Sample("lab/brain/cells", label_voxels(CELLS), Kind.LABELS, public=True)
        for sample in (em, cells):
            add_sample(lake, catalog, sample)
        place = Place(DatasetName.parse(cells.name), Kind.LABELS, None)
        merge(lake / place.index_key, [1, 2])
        served = Served(create_app(settings, lake, catalog, LocalIdentity(TOKEN, "voxlake-test")))
        with run_app(served) as url:
            served.url = url
            yield served


def leave(served: Served, number: int) -> None:
    """Ask, take some of the answer or nothing, and leave: orderly, or with a reset."""
    chosen = random.Random(number)
    host, port = served.url.removeprefix("http://").split(":")
    path = f"/v2/datasets/lab/brain/{PATHS[number % len(PATHS)]}"
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 14)
        client.connect((host, int(port)))
        client.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode()
        )
        time.sleep(chosen.choice([0, 0, 0.001, 0.01, 0.05]))
        for _ in range(chosen.choice([0, 0, 1, 3, 40])):
            client.settimeout(0.05)
            try:
                client.recv(1 << 14)
            except TimeoutError:
                break
        if chosen.random() < 0.5:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def resident_bytes() -> int:
    """Return the memory of this process, without what is free and only not given back."""
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf(
        "SC_PAGE_SIZE"
    )


def leave_many(served: Served, numbers: range) -> None:
    """Let many leave, and wait until the gateway is done with them."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in pool.map(lambda number: leave(served, number), numbers):
            pass
    deadline = time.monotonic() + DONE_SECONDS
    while (left := served.left())["held"] or left["waiting"] or left["tasks"] > 2:
        assert time.monotonic() < deadline, f"{left}, {asyncio.all_tasks(served.loop)}"
        time.sleep(0.02)


def test_nothing_stays_of_clients_that_left(served: Served) -> None:
    threads = threading.active_count()
    with httpx2.Client(base_url=f"{served.url}/v2/datasets/lab/brain/", timeout=60) as client:
        client.headers["Authorization"] = f"Bearer {TOKEN}"
        whole = {path: client.get(path) for path in PATHS}
    assert {answer.status_code for answer in whole.values()} == {200}
    leave_many(served, range(WARM))
    before, tasks = resident_bytes(), served.left()["tasks"]
    leave_many(served, range(WARM, WARM + REQUESTS))
    assert served.left() == {"tasks": tasks, "held": 0, "waiting": 0}
    grown = resident_bytes() - before
    assert grown < before * 0.05, f"{grown >> 20} MiB of {before >> 20} MiB"
    assert threading.active_count() - threads < POOLS + 20
    # It serves as before.
    with httpx2.Client(base_url=f"{served.url}/v2/datasets/lab/brain/", timeout=60) as client:
        client.headers["Authorization"] = f"Bearer {TOKEN}"
        for path, answer in whole.items():
            assert client.get(path).content == answer.content, path
