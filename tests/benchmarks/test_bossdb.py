"""bossDB's API beside the gateway's own: both are asked for the same, or it is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks import bossdb, bossdb_questions

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bossdb, "SHAPE", (64, 80, 96))
    boxes = {name: (extent, 2) for name, (extent, _) in bossdb_questions.BOXES.items()}
    for name, value in {"BOXES": boxes, "SMALL": 2, "WRITES": 2}.items():
        monkeypatch.setattr(bossdb_questions, name, value)


def test_all_ways_are_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = bossdb.run_bossdb(tmp_path, 1, lambda _: None)
    asked = bossdb_questions.questions((64, 80, 96), 1)
    kinds = {(each["what"], each["way"]) for each in found["requests"]}
    assert kinds == {(each.what, way) for each in asked for way in each.ways}
    assert all(min(each["seconds"]) > 0 for each in found["requests"])
    assert [each["way"] for each in found["clients"][:3]] == [
        "requests",
        "intern, parallel=False",
        "intern, parallel=True",
    ]
    printed = capsys.readouterr().out
    assert printed.count("| v1 ") + printed.count("| v2 ") == len(kinds)


def test_ways_that_differ_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = bossdb_questions.boss_box
    monkeypatch.setattr(bossdb_questions, "boss_box", lambda box: told(box.shifted((0, 1, 2))))
    with pytest.raises(RuntimeError, match="not answer the same voxels"):
        bossdb.run_bossdb(tmp_path, 1, lambda _: None)
