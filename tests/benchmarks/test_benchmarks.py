"""Every benchmark runs, at a small size, and all candidates write and read the same voxels."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.candidates.catalogue import CANDIDATES
from benchmarks.candidates.tensorstore import open_array
from benchmarks.case import Case
from benchmarks.inputs import slab_maker
from benchmarks.measure import Candidate, CandidateFailedError, measure
from benchmarks.reference import block_mean, largest_difference

ROOT = Path(__file__).parents[2]
SIZE = (80, 96, 130)
"""Divides nothing; more than one chunk along each axis."""


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What one run of everything finds."""
    answer = tmp_path_factory.mktemp("benchmarks") / "figures.json"
    command = [sys.executable, "-m", "benchmarks", "all", "--repeats", "2", "--json", str(answer)]
    sizes = ["--size", ",".join(map(str, SIZE)), "--memory-size", "32,64,64"]
    subprocess.run([*command, *sizes], cwd=ROOT, check=True, capture_output=True, timeout=280)
    found: dict[str, Any] = json.loads(answer.read_text())
    return found


@pytest.mark.parametrize("name", CANDIDATES)
def test_all_candidates_did_the_same_work(figures: dict[str, Any], name: str) -> None:
    for candidate in CANDIDATES[name]:
        rows = [row for row in figures[name] if row["candidate"] == candidate.name]
        assert rows
        for row in rows:
            allowed = {"equal", "within 1"} if candidate.tolerance else {"equal"}
            assert row["output"] in allowed
            assert row["seconds"] > 0
            assert row["peak_rss_mib"] > 30


def test_memory_is_measured_at_two_sizes(figures: dict[str, Any]) -> None:
    small, large = (np.prod(peak["shape"]) for peak in figures["memory"])
    assert large == 8 * small


def test_a_wrong_voxel_is_seen(tmp_path: Path) -> None:
    document = {
        "zarr_format": 3,
        "node_type": "array",
        "shape": [4, 4, 4],
        "data_type": "uint8",
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [4, 4, 4]}},
        "chunk_key_encoding": {"name": "default"},
        "fill_value": 0,
        "codecs": [{"name": "bytes"}],
    }
    (tmp_path / "zarr.json").write_text(json.dumps(document))
    voxels = np.arange(64, dtype=np.uint8).reshape(4, 4, 4)
    np.save(tmp_path / "level-0.npy", voxels)
    case, array = Case(tmp_path, tmp_path), open_array(tmp_path)
    array.write(voxels).result()
    assert largest_difference(case, 0, array) == 0
    array[3, 3, 3] = 60
    assert largest_difference(case, 0, array) == 3


def test_a_candidate_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(CandidateFailedError, match="nothing_of_this_name"):
        measure(
            Candidate("wrong", "benchmarks.case:nothing_of_this_name"), Case(tmp_path, tmp_path)
        )


@pytest.mark.parametrize("factors", [(2, 2, 2), (1, 2, 2)])
def test_block_mean_is_that_of_each_block(factors: tuple[int, int, int]) -> None:
    voxels = np.random.default_rng(1).integers(0, 256, (5, 6, 7), np.uint8)
    fz, fy, fx = factors
    for (z, y, x), mean in np.ndenumerate(block_mean(voxels, factors)):
        block = voxels[z * fz : (z + 1) * fz, y * fy : (y + 1) * fy, x * fx : (x + 1) * fx]
        assert mean == np.rint(block.mean())


def test_fib25_is_tiled(monkeypatch: pytest.MonkeyPatch) -> None:
    cube = np.random.default_rng(2).integers(0, 256, (5, 6, 7), np.uint8)
    monkeypatch.setattr("benchmarks.inputs._fib25", lambda: cube)
    tiled = slab_maker("fib25", (12, 13, 14))(3, 12)
    np.testing.assert_array_equal(tiled, np.tile(cube, (3, 3, 2))[3:12, :13, :14])
