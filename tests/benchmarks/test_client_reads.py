"""Reads by clients: each way reads the same voxels, or it is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from benchmarks.client_reads import (
    CLIENT,
    DIRECT,
    INTERN,
    PEER,
    Rounds,
    reads_table,
    run_client_reads,
)

from benchmarks import bossdb_client, client_reads

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_reads, "SHAPE", (40, 80, 96))
    monkeypatch.setattr(client_reads, "EDGE", 32)
    monkeypatch.setattr(client_reads, "COUNT", 2)


def test_all_ways_are_measured_in_one_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = run_client_reads(tmp_path, 2, lambda _: None)
    assert [each["way"] for each in found["rounds"]] == [PEER, DIRECT, CLIENT, INTERN]
    assert all(len(each["seconds"]) == 2 and min(each["seconds"]) > 0 for each in found["rounds"])
    printed = capsys.readouterr().out
    assert all(f"| {way} " in printed for way in (PEER, DIRECT, CLIENT, INTERN))


def test_ways_that_differ_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = bossdb_client.ranges_of
    monkeypatch.setattr(client_reads, "ranges_of", lambda box: told(box.shifted((0, 1, 0))))
    with pytest.raises(RuntimeError, match="not read the same voxels"):
        run_client_reads(tmp_path, 1, lambda _: None)


def test_rates_are_those_of_the_median_round() -> None:
    rounds = [
        Rounds(way, 100_000_000, [9.0, seconds, 0.01])
        for way, seconds in ((PEER, 1.0), (CLIENT, 2.0), (INTERN, 8.0))
    ]
    table = reads_table(rounds, 1.25)
    assert "(load 1.2)" in table
    row = next(line for line in table.splitlines() if CLIENT in line)
    assert [cell.strip() for cell in row.strip("|").split("|")] == [CLIENT, "50", "0.50", "4.0"]
