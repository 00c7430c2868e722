"""A gateway keeps to its memory, under mixed requests of clients that read, dawdle and leave."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.gateway_requests import CLIENTS

from benchmarks import gateway_memory
from voxlake.api.data.stored.objects import BLOCK
from voxlake.api.gateway import divide_memory

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

MEMORY_BYTES = 96 << 20
GROWTH_MIB = 64
"""By how much the process may grow once it is warm, the shares that were not full yet included."""


def test_a_gateway_keeps_to_its_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway_memory, "SHAPE", (128, 192, 192))
    labels = gateway_memory.make_lake(tmp_path / "lake", gateway_memory.SHAPE)
    outcome = gateway_memory.measure(tmp_path / "lake", labels, 250, MEMORY_BYTES)
    counted, (answers, _, cache) = outcome.counted, divide_memory(MEMORY_BYTES)
    assert counted["held_limit"] == answers
    # Stored bytes count and do not wait: a block for each client at most.
    assert 0 < counted["held_peak"] <= answers + CLIENTS * BLOCK
    assert counted["held"] == 0
    assert 0 < counted["cached"] <= counted["cache_limit"] == cache
    uses = {one["kind"]: one for one in counted["cache"]}
    assert uses["blocks of label boxes"]["hits"] > 0
    assert sum(one["bytes"] for one in uses.values()) == counted["cached"]
    _, warm, end = outcome.states
    assert end.requests == sum(n for kind, n in outcome.kinds.items() if kind[0] != "(")
    assert end.rss - warm.rss < GROWTH_MIB
