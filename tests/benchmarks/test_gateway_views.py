"""What chunks cost in each view is measured on answers of the same voxels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.gateway_memory import make_lake
from benchmarks.gateway_views import AS_IT_LIES, SHAPE, check_equal, measure, views_table

if TYPE_CHECKING:
    from pathlib import Path


def test_ways_are_compared(tmp_path: Path) -> None:
    make_lake(tmp_path / "lake", SHAPE)
    check_equal(tmp_path / "lake")
    ways = measure(tmp_path / "lake", 1, 40)
    assert [way.name for way in ways].count(AS_IT_LIES) == 2
    assert all(way.requests_per_cpu_s > 0 and way.body_bytes > 0 for way in ways)
    assert views_table(ways).count("\n| ") == 1 + 1 + len(ways)
