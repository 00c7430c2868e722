"""Writes of labels: all ways end with the same voxels, and one that does not is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmarks import label_writes

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"SHARD": 64, "CHUNK": 16, "BOX": 16, "WRITES": 3}.items():
        monkeypatch.setattr(label_writes, name, value)
    cube = np.arange(1, 64**3 + 1, dtype=np.uint64).reshape((64,) * 3) // 50
    monkeypatch.setattr(label_writes, "supervoxels", lambda: cube)


def test_all_ways_hold_what_was_written(tmp_path: Path) -> None:
    found = label_writes.run_label_writes(tmp_path, 1, lambda _: None)["label writes"]
    assert len(found) == 2 * len(label_writes.WAYS)
    assert all(0 < one["least"] <= one["median"] for one in found)


def test_a_way_that_loses_voxels_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(label_writes.WAYS, "nothing", (lambda *_: None, False))
    with pytest.raises(label_writes.WrongWriteError, match="does not hold"):
        label_writes.run_label_writes(tmp_path, 1, lambda _: None)
