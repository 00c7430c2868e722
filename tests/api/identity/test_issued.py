"""Secrets that a server gave out hold as long as they should, in memory as in a folder."""

from __future__ import annotations

import stat
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from voxlake.api.identity.issued import Issued, IssuedHere, IssuedInFolder

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(params=["memory", "folder"])
def issued(request: pytest.FixtureRequest, tmp_path: Path) -> Issued:
    """Secrets of one kind, kept in one of both ways."""
    return IssuedHere() if request.param == "memory" else IssuedInFolder(tmp_path / "links")


def test_a_secret_holds_until_it_is_taken(issued: Issued) -> None:
    issued.add("one", 60)
    assert issued.holds("one")
    assert not issued.holds("two")
    assert issued.take("one")
    assert not issued.holds("one")
    assert not issued.take("one")
    assert not issued.take("two")


def test_a_secret_is_over_after_its_time(issued: Issued, monkeypatch: pytest.MonkeyPatch) -> None:
    issued.add("late", 60)
    moments = time.time() + 61, time.monotonic() + 61
    monkeypatch.setattr(time, "time", lambda: moments[0])
    monkeypatch.setattr(time, "monotonic", lambda: moments[1])
    assert not issued.holds("late")
    assert not issued.take("late")


def test_one_of_many_takes_it(tmp_path: Path) -> None:
    processes = [IssuedInFolder(tmp_path / "links") for _ in range(8)]
    with ThreadPoolExecutor(8) as threads:
        for number in range(50):
            processes[0].add(f"secret {number}", 60)
            took = threads.map(lambda each, n=number: each.take(f"secret {n}"), processes)
            assert sum(took) == 1


def test_the_folder_holds_no_secret_and_is_the_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "links"
    IssuedInFolder(folder).add("hidden", 60)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    [file] = folder.iterdir()
    assert "hidden" not in file.name
    assert file.read_bytes() == b""
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
