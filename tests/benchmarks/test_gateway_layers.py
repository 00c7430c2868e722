"""What the gateway's layers cost is measured on requests that are all answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.gateway_layers import layers_table, measure

if TYPE_CHECKING:
    from pathlib import Path


def test_ways_are_compared(tmp_path: Path) -> None:
    ways = measure(tmp_path / "lake", 1, 20)
    assert [ways[0].name, ways[-1].name] == ["all", "without any layer"]
    assert all(way.application_us > 0 and way.served_us > 0 for way in ways)
    assert layers_table(ways).count("\n| ") == 1 + 1 + len(ways)
