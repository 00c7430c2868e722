"""A gateway that says what it has in memory: ``python -m benchmarks.gateway_process LAKE``.

Prints its URL, then for each line that it is given a line of JSON. If that says ``trim``, memory
that is free is given back to the system before.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import json
import os
import signal
import sys
import tempfile
import threading
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import psutil

from voxlake.api import app
from voxlake.api.endpoint import Endpoint
from voxlake.api.http.limits.budget import Budget
from voxlake.api.serve import run_gateway
from voxlake.ngff.memory.cache import CACHE
from voxlake.ngff.reading.loading import load_reader
from voxlake.platform.catalog import open_catalog
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from voxlake.documents.service.gateway import ServingDocument


class WatchedBudget(Budget):
    """A budget that knows the most that was held at once."""

    made: ClassVar[list[WatchedBudget]] = []
    peak_bytes = 0

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(limit_bytes)
        self.made.append(self)

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        if name == "used_bytes":
            self.peak_bytes = max(self.peak_bytes, self.used_bytes)


def main() -> None:
    """Serve a lake until the standard input ends."""
    vars(app)["Budget"] = WatchedBudget  # to look into the gateway that is made
    load_reader()  # part of the program, and not of what requests fill
    lake, settings = StoreURL.parse(sys.argv[1]), Settings()
    with tempfile.TemporaryDirectory() as secrets, open_catalog(lake, settings) as catalog:
        run_gateway(settings, lake, catalog, announce, Endpoint(port=0, secrets=Path(secrets)))


def announce(info: ServingDocument) -> None:
    """Say where the gateway is, and begin to answer."""
    print(info.url, flush=True)
    loop = asyncio.get_running_loop()
    threading.Thread(target=answer, args=(loop,), daemon=True).start()


def answer(loop: asyncio.AbstractEventLoop) -> None:
    """Print what is counted for each line that comes."""
    [budget] = WatchedBudget.made
    for line in sys.stdin:
        if line.strip() == "trim":
            trim()
        counted = {
            "resident": psutil.Process().memory_info().rss,
            "held": budget.used_bytes,
            "waiting": budget.waiting,
            "held_peak": budget.peak_bytes,
            "held_limit": budget.limit_bytes,
            "tasks": len(asyncio.all_tasks(loop)),
            "threads": threading.active_count(),
            "files": psutil.Process().num_fds(),
            "cached": CACHE.used_bytes,
            "cache_limit": CACHE.limit_bytes,
            "cache": [asdict(use) for use in CACHE.use()],
        }
        print(json.dumps(counted), flush=True)
    os.kill(os.getpid(), signal.SIGTERM)


def trim() -> None:
    """Give memory back that is free, and was only kept for the next."""
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)


if __name__ == "__main__":
    main()
