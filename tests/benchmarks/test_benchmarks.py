"""Every benchmark runs, at a small size, and all candidates write and read the same voxels."""

from __future__ import annotations

import argparse
import inspect
import json
import pkgutil
import subprocess
import sys
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.__main__ import ALONE, chosen
from benchmarks.candidates.catalogue import CANDIDATES
from benchmarks.candidates.tasks import planned_tasks
from benchmarks.candidates.tensorstore import open_array
from benchmarks.case import Case
from benchmarks.codec_data import chunks
from benchmarks.codecs import Coded, codecs
from benchmarks.cost import Prices, cost
from benchmarks.inputs import slab_maker, write_slice
from benchmarks.linear import Point, fit
from benchmarks.measure import Candidate, CandidateFailedError, Measured, measure
from benchmarks.plots import NoMatplotlibError, draw_all
from benchmarks.reference import block_mean, largest_difference
from benchmarks.rounds import _has_shape, run_benchmark
from benchmarks.written import Level, ingested, zarr_level

ROOT = Path(__file__).parents[2]
SIZE = (80, 96, 130)
"""Divides nothing; more than one chunk along each axis."""


RACES = ("ingest", "fused", "pyramid", "cutout")
QUICK = ("TensorStore", "all levels")
"""Parts of the names of candidates whose libraries the tests install."""


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What one run finds."""
    answer = tmp_path_factory.mktemp("benchmarks") / "figures.json"
    command = [sys.executable, "-m", "benchmarks", *RACES, "--only", "|".join(QUICK)]
    size = ",".join(map(str, SIZE))
    run = [*command, "--size", size, "--repeats", "1", "--json", str(answer)]
    subprocess.run(run, cwd=ROOT, check=True, capture_output=True, timeout=280)
    found: dict[str, Any] = json.loads(answer.read_text())
    return found


@pytest.mark.parametrize("name", ALONE)
def test_what_measures_by_itself_takes_what_it_is_given(name: str) -> None:
    function, given = ALONE[name]
    names = [*inspect.signature(pkgutil.resolve_name(function)).parameters]
    assert names[: len(given) + 2] == ["folder", *given, "say"]


@pytest.mark.parametrize("name", RACES)
def test_all_candidates_did_the_same_work(figures: dict[str, Any], name: str) -> None:
    options = argparse.Namespace(only="|".join(QUICK), input="tiff")
    for candidate in chosen(name, options):
        rows = [row for row in figures[name] if row["candidate"] == candidate.name]
        assert rows
        for row in rows:
            allowed = {"equal", "within 1", "within 2"} if candidate.tolerance else {"equal"}
            assert row["output"] in allowed
            assert row["seconds"] > 0
            assert row["peak_rss_mib"] > 30


@pytest.mark.parametrize("name", CANDIDATES)
def test_who_is_not_installed_is_left_out(name: str) -> None:
    options = argparse.Namespace(only=None, input="tiff")
    assert [one.name for one in chosen(name, options)] == [
        one.name for one in CANDIDATES[name] if not one.needs or find_spec(one.needs)
    ]


def test_the_tasks_that_dask_and_a_pool_run_write_everything(tmp_path: Path) -> None:
    voxels = np.random.default_rng(3).integers(0, 256, SIZE, np.uint8)
    (tmp_path / "stack").mkdir()
    for z, plane in enumerate(voxels):
        write_slice(tmp_path / "stack" / f"{z:03}.png", plane)
    np.save(tmp_path / "level-0.npy", voxels)
    case = Case(tmp_path, tmp_path / "output")
    case.output.mkdir()
    for task in planned_tasks(case):
        task()
    level = ingested(case, 0)
    assert level is not None
    assert largest_difference(case, 0, level) == 0


def test_plots_are_drawn_of_figures(figures: dict[str, Any], tmp_path: Path) -> None:
    growth = asdict(fit(tuple(Point(edge, edge / 10, 1, 300) for edge in (32, 64, 128))))
    if find_spec("matplotlib") is None:
        with pytest.raises(NoMatplotlibError):
            draw_all(figures | {"linear": growth}, tmp_path)
        return
    draw_all(figures | {"linear": growth}, tmp_path)
    drawn = {path.name for path in tmp_path.iterdir()}
    assert drawn == {f"benchmark-{name}.png" for name in ("ingest", "fused", "pyramid", "linear")}


@pytest.mark.parametrize("itemsize", [1, 2, 8])
def test_codecs_give_back_what_they_took(itemsize: int) -> None:
    cube = np.random.default_rng(0).integers(0, 9, (64,) * 3).astype(f"u{itemsize}")
    for codec in codecs(itemsize):
        for chunk in chunks(cube):
            assert codec.decode(codec.encode(chunk)) == chunk


def test_chunks_are_the_blocks_of_a_cube() -> None:
    cube = np.arange(128**3, dtype=np.uint32).reshape(128, 128, 128)
    assert np.frombuffer(chunks(cube)[3], np.uint32)[0] == cube[0, 64, 64]


def test_the_cheapest_level_depends_on_what_is_dear() -> None:
    quick = Coded("images", "zstd 1", 2.0, 1000, 1000)
    small = Coded("images", "zstd 9", 2.1, 50, 1000)
    stored, coded = Prices(writes=0, core_hour=0), Prices(tb_month=0)
    assert cost(small, stored).total < cost(quick, stored).total
    assert cost(quick, coded).total < cost(small, coded).total


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
    level = zarr_level(tmp_path)
    assert level is not None
    assert largest_difference(case, 0, level) == 0
    array[3, 3, 3] = 60
    assert largest_difference(case, 0, level) == 3


def test_a_level_that_is_not_there_is_seen(tmp_path: Path) -> None:
    assert zarr_level(tmp_path / "7") is None


@pytest.mark.parametrize(
    ("shape", "allowed"), [((4, 5, 6), True), ((4, 4, 6), True), ((2, 5, 6), False)]
)
def test_a_level_of_another_shape_is_seen(shape: tuple[int, ...], allowed: bool) -> None:
    assert _has_shape(Level(shape, lambda _: np.zeros(0)), [4, 5, 6]) is allowed


def test_a_candidate_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(CandidateFailedError, match="nothing_of_this_name"):
        measure(
            Candidate("wrong", "benchmarks.case:nothing_of_this_name"), Case(tmp_path, tmp_path)
        )


def test_a_peer_that_fails_drops_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fake(candidate: Candidate, _: Case) -> Measured:
        if candidate.name == "bad":
            raise CandidateFailedError("it broke")
        parts = {"cutout": {"megabytes": 1, "seconds": [1], "cpu_seconds": 1, "digest": ""}}
        return Measured(parts, 2**20)

    monkeypatch.setattr("benchmarks.rounds.measure", fake)
    candidates = [Candidate(name, "") for name in ("ours", "bad", "good")]
    outcome = run_benchmark("cutout", candidates, Case(tmp_path, tmp_path), 2, lambda _: None)
    assert [row.candidate for row in outcome.rows] == ["ours", "good"]
    assert outcome.failed == {"bad": "it broke"}
    with pytest.raises(CandidateFailedError):
        run_benchmark("cutout", candidates[1:], Case(tmp_path, tmp_path), 1, lambda _: None)


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
