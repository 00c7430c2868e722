"""The ten largest bodies of the real segmentation, by supervoxels and their mapping: NumPy's."""

from __future__ import annotations

import gzip
import io
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
from tests.compute.test_sample import LOCAL, make_folder

from voxlake.compute.sample.folder import SampleFolder

if TYPE_CHECKING:
    from pathlib import Path

    from tests.api.cli.conftest import Command

NAME = "flyem/fib25/supervoxels"


@pytest.fixture
def ground_truth(tmp_path: Path) -> Path:
    """The file of the sample, or that of a phantom in its place."""
    if SampleFolder(LOCAL).ground_truth.is_file():
        return SampleFolder(LOCAL).ground_truth
    return make_folder(tmp_path / "phantom", 128).ground_truth


def read(file: Path) -> tuple[Any, Any]:
    """Return supervoxels (z, y, x), and the body of each voxel."""
    with h5py.File(io.BytesIO(gzip.decompress(file.read_bytes())), "r") as hdf5:
        stack, pairs = hdf5["stack"][...], hdf5["transforms"][...]
    bodies = np.zeros(int(pairs[:, 0].max()) + 1, np.uint64)
    bodies[pairs[:, 0]] = pairs[:, 1]
    return stack.astype(np.uint32), bodies[stack]


def brute_table(bodies: Any) -> list[dict[str, Any]]:
    """Return the ten largest bodies as NumPy finds them."""
    ids, counts = np.unique(bodies, return_counts=True)
    ids, counts = ids[ids != 0], counts[ids != 0]
    found = []
    for line in np.lexsort((ids, -counts))[:10]:
        where = bodies == ids[line]
        spans = []
        for other in ((1, 2), (0, 2), (0, 1)):
            inside = np.flatnonzero(where.any(axis=other))
            spans.append((int(inside[0]), int(inside[-1]) + 1))
        box = {axis: list(span) for axis, span in zip("zyx", spans, strict=True)}
        found.append({"label": str(ids[line]), "voxels": int(counts[line]), "box": box})
    return found


def test_the_ten_largest_bodies(voxlake: Command, ground_truth: Path, tmp_path: Path) -> None:
    supervoxels, bodies = read(ground_truth)
    np.save(tmp_path / "supervoxels", supervoxels)
    words = ("--kind", "labels", "--index", "--levels", 1)
    voxlake.ingest(tmp_path / "supervoxels.npy", NAME, *words).ok()
    voxlake("mapping", NAME, "--import", ground_truth).ok()
    want = brute_table(bodies)
    found = voxlake("labels", NAME, "--bodies", "--top", 10).ok()
    assert [{key: each[key] for key in want[0]} for each in found["labels"]] == want
    for line in (want[0], want[9]):
        one = voxlake("label", NAME, line["label"], "--bodies").ok()
        assert (one["voxels"], one["box"]) == (line["voxels"], line["box"])
        assert bodies[tuple(one["point"])] == np.uint64(line["label"])
    index = voxlake("info", NAME).ok()["index"]
    # A row has eight numbers of 8 bytes, and there are few rows for the voxels.
    assert 0 < index["bytes"] / index["rows"] < 64
    assert index["bytes"] / bodies.size < 0.05
