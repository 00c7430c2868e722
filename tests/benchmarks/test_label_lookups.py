"""Look-ups by label: every engine answers alike, and one that does not is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from benchmarks.label_engines import OurIndex
from benchmarks.label_rows import Synthetic

from benchmarks import label_lookups

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.label_engines import Answer


@pytest.fixture(autouse=True)
def _few_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(label_lookups, "SINGLE", 40)
    monkeypatch.setattr(label_lookups, "BATCH", 50)
    monkeypatch.setattr(label_lookups, "SLOW", 2)
    monkeypatch.setattr(label_lookups, "COLD", 2)


def test_all_engines_answer_alike(tmp_path: Path) -> None:
    found = label_lookups.run_label_lookups(tmp_path, [2000], 1, lambda _: None)
    names = {one["engine"] for one in found["asked"]}
    assert {"SQLite", "voxlake", "voxlake, held view", "voxlake, merged"} <= names
    assert [one["rows"] for one in found["sizes"]] == [2000]
    assert {"build", "merge both segments"} <= {one["what"] for one in found["works"]}


def test_an_engine_that_answers_otherwise_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = OurIndex.one

    def ask_wrongly(engine: OurIndex, label: int) -> Answer:
        voxels, *rest = ask(engine, label)
        return (voxels + 1, *rest)

    monkeypatch.setattr(OurIndex, "one", ask_wrongly)
    with pytest.raises(label_lookups.NotTheSameError, match="before"):
        label_lookups.run_label_lookups(tmp_path, [2000], 1, lambda _: None)


def test_rows_are_made_the_same_each_time_and_in_order() -> None:
    one, other = (list(Synthetic(3000).pieces()) for _ in range(2))
    assert all(np.array_equal(a.chunks, b.chunks) for a, b in zip(one, other, strict=True))
    keys = np.lexsort((one[0].shards, one[0].labels))
    assert np.array_equal(keys, np.arange(len(one[0])))
    inside = np.repeat(np.cumsum(one[0].chunk_counts), one[0].chunk_counts)
    assert (np.diff(one[0].chunks.astype(int))[np.diff(inside) == 0] > 0).all()
