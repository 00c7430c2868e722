"""Writes over HTTP: all ways end with the same voxels, and one that does not is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from benchmarks.label_writes import WrongWriteError

from benchmarks import writes_over_http
from voxlake.api.data.writing import writing

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"SHARD": 64, "CHUNK": 16, "BOX": 16, "WRITES": 1, "CLIENTS": 3}.items():
        monkeypatch.setattr(writes_over_http, name, value)
    cube = np.arange(1, 64**3 + 1, dtype=np.uint64).reshape((64,) * 3) // 50
    monkeypatch.setattr(writes_over_http, "supervoxels", lambda: cube)


def test_all_ways_hold_what_was_written(tmp_path: Path) -> None:
    found = writes_over_http.run_writes_over_http(tmp_path, 1, lambda _: None)
    rates = found["writes over HTTP"]
    assert len(rates) == 2 * len(writes_over_http.WAYS)
    assert all(one["a_second"] > 0 < one["median_ms"] for one in rates)


def test_a_way_that_loses_voxels_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "write_label_shard", lambda *_: "")
    with pytest.raises(WrongWriteError, match="does not hold"):
        writes_over_http.run_writes_over_http(tmp_path, 1, lambda _: None)
