"""``--dtype``: what the voxels of a source are converted to, from the plan to verify."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import zarr

if TYPE_CHECKING:
    from tests.api.cli.conftest import Command

SHAPE = (5, 40, 50)
FLOATS = np.random.default_rng(3).normal(size=SHAPE)
FLOATS[0, 0, :3] = np.nan, np.inf, 1e-300


def _saved(folder: Path, voxels: np.ndarray, name: str = "v") -> Path:
    np.save(folder / f"{name}.npy", voxels)
    return folder / f"{name}.npy"


def _stored(voxlake: Command, name: str = "a/b/em.ome.zarr") -> Any:
    array = zarr.open_group(Path(voxlake.lake) / name, mode="r")["0"]
    assert isinstance(array, zarr.Array)
    return np.asarray(array[...])


def test_doubles_are_refused_with_the_option_that_rounds_them(
    voxlake: Command, tmp_path: Path
) -> None:
    source = _saved(tmp_path, FLOATS)
    words = (source, "a/b/em", "--kind", "image", "--voxel-size", "8nm")
    for command in ("plan", "ingest"):
        refused = voxlake(command, *words)
        assert (refused.code, refused.kind) == (2, "unsupported")
        assert "--dtype float32 does (rounded to 24 bits)" in refused.document["detail"]
    plan = voxlake("plan", *words, "--dtype", "float32").ok()
    assert plan["understood"].startswith(
        "5 x 40 x 50 zyx, float64 as float32 (rounded to 24 bits), "
    )
    assert plan["dtype"] == "float32"
    voxlake("ingest", *words, "--dtype", "float32").ok()
    np.testing.assert_array_equal(_stored(voxlake), FLOATS.astype("f4"))
    assert voxlake("verify", "a/b/em", "--source", source).ok()["state"] == "done"


def test_verify_finds_what_rounds_to_something_else(voxlake: Command, tmp_path: Path) -> None:
    source = _saved(tmp_path, FLOATS)
    voxlake.ingest(source, "a/b/em", "--dtype", "float32").ok()
    other = FLOATS.copy()
    other[2, 3, 4] *= 1 + 1e-6
    assert voxlake("verify", "a/b/em", "--source", _saved(tmp_path, other, "other")).code == 5


def test_what_cannot_be_kept_is_named_where_the_source_has_it(
    voxlake: Command, tmp_path: Path
) -> None:
    voxels = np.zeros(SHAPE)
    voxels[3, 30, 20] = 1e39
    source = _saved(tmp_path, voxels)
    words = ("--dtype", "float32", "--reverse", "z", "--reverse", "x")
    said = f"source {source} has 1e+39 at voxel (3, 30, 20), which float32 cannot hold"
    sampled = ("plan", source, "a/b/em", "--kind", "image", "--voxel-size", "8nm", *words)
    assert said in voxlake(*sampled).document["detail"]
    assert said in json.dumps(voxlake.ingest(source, "a/b/em", *words).document)


@pytest.mark.parametrize(
    ("voxels", "dtype"),
    [
        (np.full(SHAPE, 300.0), "uint16"),
        (np.full(SHAPE, -7, "i8"), "int8"),
        (np.full(SHAPE, 2**31, "u8"), "float32"),
    ],
)
def test_integers_are_kept_exactly(
    voxlake: Command, tmp_path: Path, voxels: np.ndarray, dtype: str
) -> None:
    voxlake.ingest(_saved(tmp_path, voxels), "a/b/em", "--dtype", dtype).ok()
    stored = _stored(voxlake)
    assert stored.dtype == dtype
    np.testing.assert_array_equal(stored, voxels)


def test_another_dtype_is_another_ingest(voxlake: Command, tmp_path: Path) -> None:
    voxels = np.zeros(SHAPE, "u2")
    voxels[0, 0, 0] = 256
    source = _saved(tmp_path, voxels)
    failed = voxlake.ingest(source, "a/b/em", "--dtype", "uint8")
    assert "has 256 at voxel (0, 0, 0), which uint8 cannot hold" in json.dumps(failed.document)
    again = voxlake.ingest(source, "a/b/em", "--dtype", "float32")
    assert again.code != 0
    (job,) = voxlake("jobs").ok()["jobs"]
    voxlake("jobs", "cancel", job["id"]).ok()
    voxlake.ingest(source, "a/b/em", "--dtype", "float32").ok()
    np.testing.assert_array_equal(_stored(voxlake), voxels)


def test_labels_that_a_file_has_as_floats(voxlake: Command, tmp_path: Path) -> None:
    ids = np.random.default_rng(4).integers(0, 2**24, SHAPE).astype("f4")
    source, words = _saved(tmp_path, ids), ("--kind", "labels")
    refused = voxlake.ingest(source, "a/b/ids", *words)
    assert "--dtype uint64 does (nothing may be lost)" in refused.document["detail"]
    assert voxlake.ingest(source, "a/b/ids", *words, "--dtype", "uint32").kind == "unsupported"
    voxlake.ingest(source, "a/b/ids", *words, "--dtype", "uint64").ok()
    np.testing.assert_array_equal(_stored(voxlake, "a/b/ids.ome.zarr"), ids)
    ids[1, 2, 3] = 0.5
    source = _saved(tmp_path, ids, "broken")
    failed = voxlake.ingest(source, "a/b/broken", *words, "--dtype", "uint64")
    assert "has 0.5 at voxel (1, 2, 3)" in json.dumps(failed.document)
