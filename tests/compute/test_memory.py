"""The memory of an ingest does not grow with the volume."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

SIZE = "32,1024,2048"
"""8 shards of level 0 and 2 of level 1."""

TASK_BYTES = 1 << 24
"""So that tasks of both sizes are of the same size, and two run at once."""

MOST_GROWTH = 1.25


@pytest.mark.timeout(600)
def test_peak_memory_of_8_times_the_voxels_is_the_same(tmp_path: Path) -> None:
    """470 MB more of voxels, on shards of the same size; a cache of chunks would show as well."""
    answer = tmp_path / "figures.json"
    command = [sys.executable, "-m", "benchmarks", "memory", "--memory-size", SIZE]
    subprocess.run(
        [*command, "--json", str(answer), "--folder", str(tmp_path)],
        cwd=ROOT,
        env=os.environ | {"VOXLAKE_TASK_BYTES": str(TASK_BYTES)},
        check=True,
    )
    small, large = json.loads(answer.read_text())["memory"]
    assert large["shape"] == [32, 2048, 8192]
    assert large["peak_rss_mib"] < MOST_GROWTH * small["peak_rss_mib"]
