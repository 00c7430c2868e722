"""The loop that requests run in: one, as what waits in one loop cannot be woken from another."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import Barrier
from typing import TYPE_CHECKING

from voxlake.platform.store import background
from voxlake.platform.store.background import background_loop

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    import pytest

THREADS = 8


def test_threads_that_ask_first_at_once_get_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "_begun", cache(background._begun.__wrapped__))
    meeting = Barrier(THREADS)

    def ask(_: int) -> AbstractEventLoop:
        meeting.wait(30)
        return background_loop()

    with ThreadPoolExecutor(THREADS) as pool:
        loops = {*pool.map(ask, range(THREADS))}
    for loop in loops:
        loop.call_soon_threadsafe(loop.stop)
        while loop.is_running():
            time.sleep(0.01)
        loop.close()
    assert len(loops) == 1
