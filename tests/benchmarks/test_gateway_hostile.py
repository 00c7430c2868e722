"""A gateway under hostile load: nothing wrong is answered, nothing leaks, memory has its limit."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from benchmarks.gateway_hostile import CLIENTS, POOLED_FILES, attack
from benchmarks.gateway_memory import make_lake

from voxlake.api.data.stored.objects import BLOCK
from voxlake.api.gateway import divide_memory

if TYPE_CHECKING:
    from pathlib import Path

REQUESTS = int(os.environ.get("VOXLAKE_HOSTILE_REQUESTS", "640"))
MEMORY_BYTES = 128 << 20
PROGRAM_BYTES = 400 << 20
"""What the program takes besides, with what numba compiles and the threads that questions have."""


def test_hostile_clients_get_no_wrong_answer_and_leave_nothing(tmp_path: Path) -> None:
    make_lake(tmp_path / "lake", (96, 160, 160))
    outcome = attack(tmp_path / "lake", REQUESTS, MEMORY_BYTES)
    answers, _, cache = divide_memory(MEMORY_BYTES)
    for act in ("any_box: 200", "any_range: 206", "broken_off: left", "bomb: 400"):
        assert outcome.kinds[act] > 0
    after, before = outcome.after, outcome.before
    assert after["held"] == 0
    assert after["held_peak"] <= answers + CLIENTS * BLOCK
    assert after["cached"] <= cache
    assert after["tasks"] <= before["tasks"]
    assert after["files"] <= before["files"] + POOLED_FILES
    # Threads are kept for the next: 40 that read, and 16 for questions.
    assert after["threads"] <= before["threads"] + 56
    assert outcome.rss_peak < MEMORY_BYTES + PROGRAM_BYTES
