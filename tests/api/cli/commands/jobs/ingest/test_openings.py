"""A source is opened once for a command, and once in each process that works for it."""

from __future__ import annotations

import os
import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.api.cli.conftest import Command

READER = """
import os
from voxlake.compute.sources.phantom.volume import open_phantom

def open_counted(location):
    if not location.startswith("counted://"):
        return None
    with open(os.environ["COUNTED_OPENINGS"], "a") as file:
        file.write(f"{os.getpid()}\\n")
    return open_phantom(location.replace("counted://", "phantom:"))
"""


@pytest.fixture
def openings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Counter[int]]:
    """Install a reader; return what tells how often each process opened since it was asked."""
    site, log = tmp_path / "site", tmp_path / "openings"
    (site / "counted-1.0.dist-info").mkdir(parents=True)
    (site / "counted_reader.py").write_text(READER)
    (site / "counted-1.0.dist-info" / "METADATA").write_text("Name: counted\nVersion: 1.0\n")
    entry = "[voxlake.sources]\ncounted = counted_reader:open_counted\n"
    (site / "counted-1.0.dist-info" / "entry_points.txt").write_text(entry)
    monkeypatch.syspath_prepend(site)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(site), *sys.path))))
    monkeypatch.setenv("COUNTED_OPENINGS", str(log))

    def count() -> Counter[int]:
        found = Counter(map(int, log.read_text().split())) if log.exists() else Counter[int]()
        log.unlink(missing_ok=True)
        return found

    return count


def test_each_command_opens_its_source_once(
    voxlake: Command, openings: Callable[[], Counter[int]]
) -> None:
    once = {os.getpid(): 1}
    source, kind = "counted://40", ("--kind", "image")
    voxlake("plan", source, "lab/cube/em", *kind).ok()
    assert openings() == once
    voxlake("ingest", source, "lab/cube/em", *kind).ok()
    assert openings() == once
    assert voxlake("verify", "lab/cube/em", "--source", source).ok()["verified"]
    assert openings() == once
    queued = voxlake("ingest", source, "lab/cube/later", *kind, "--queue").ok()
    assert openings() == once
    voxlake("worker", "--once").ok()
    assert sum(openings().values()) <= 1
    assert voxlake("jobs", "show", queued["id"]).ok()["state"] == "done"


def test_each_worker_process_opens_it_once(
    voxlake: Command, openings: Callable[[], Counter[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOXLAKE_WORKERS", "2")
    monkeypatch.setenv("VOXLAKE_TASK_BYTES", "1")
    voxlake("ingest", "counted://32,32,4200", "lab/cube/wide", "--kind", "image").ok()
    found = openings()
    assert found.pop(os.getpid()) == 1
    assert len(found) >= 1
    assert set(found.values()) == {1}
