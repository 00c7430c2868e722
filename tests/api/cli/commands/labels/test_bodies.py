"""``--bodies``, ``merge``, ``cleave``, ``mapping`` and ``reserve``, against NumPy and the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.ngff.labels.queries.samples import brute_runs, decode_blocks, decode_rles

from voxlake.documents.box import BoxDocument
from voxlake.ngff.grid.box import Box

if TYPE_CHECKING:
    from pathlib import Path

    from tests.api.cli.conftest import Command

CELLS, LARGEST = "lab/cube/cells", (1 << 64) - 1


def test_merged_bodies_in_every_answer(filled: Command, labels: Path, tmp_path: Path) -> None:
    voxels = np.load(labels)
    change = filled("merge", CELLS, 7, LARGEST).ok()
    assert (change["number"], change["kind"], change["into"]) == (1, "merge", "7")
    assert change["labels"] == [str(LARGEST)]
    bodies = np.where(voxels == np.uint64(LARGEST), np.uint64(7), voxels)
    ids, counts = np.unique(bodies[bodies != 0], return_counts=True)
    listed = filled("labels", CELLS, "--bodies").ok()
    assert [(int(each["label"]), each["voxels"]) for each in listed["labels"]] == [
        (int(label), int(count)) for label, count in zip(ids, counts, strict=True)
    ]
    assert listed["mapping"] == 1
    assert [each["chunks"] for each in listed["labels"]] == [1, None]
    assert "-1" not in filled.plain("labels", CELLS, "--bodies").out
    inside = filled("labels", CELLS, "--bodies", "--box", "0:3,0:4,0:5").ok()
    block = bodies[:3, :4, :5]
    there = [int(label) for label in np.unique(block) if label]
    assert inside["labels"] == list(map(str, there))
    assert inside["counts"] == [np.count_nonzero(block == np.uint64(label)) for label in there]
    assert inside["mapping"] == 1
    files = {name: tmp_path / name for name in ("rles", "blocks", "mask")}
    words = [word for name, file in files.items() for word in (f"--{name}", file)]
    one = filled("label", CELLS, 7, "--bodies", "--chunks", *words).ok()
    where = np.argwhere(bodies == 7)
    box = Box(tuple(where.min(axis=0).tolist()), tuple((where.max(axis=0) + 1).tolist()))
    assert (one["voxels"], one["mapping"], one["chunks"]) == (len(where), 1, 1)
    assert BoxDocument.model_validate(one["box"]).box == box
    assert decode_rles(files["rles"].read_bytes()) == brute_runs(bodies, 7, box)
    name, mask = decode_blocks(files["blocks"].read_bytes(), voxels.shape)
    assert (name, int(mask.sum())) == (7, len(where))
    assert np.array_equal(np.load(files["mask"]), bodies[box.slices] == 7)
    # Without the mapping nothing has changed.
    assert filled("label", CELLS, 7).ok()["voxels"] == np.count_nonzero(voxels == 7)
    assert filled("label", CELLS, LARGEST, "--bodies").code == 4


def test_a_body_becomes_two_again(filled: Command) -> None:
    filled("merge", CELLS, 1, 7, LARGEST).ok()
    change = filled("cleave", CELLS, 1, 7, LARGEST).ok()
    assert (change["kind"], change["into"], change["labels"]) == (
        "cleave",
        "7",
        ["7", str(LARGEST)],
    )
    assert filled("labels", CELLS, "--bodies").ok()["count"] == 2
    assert filled("cleave", CELLS, 1, 7).kind == "conflict"
    assert "into" in filled.plain("cleave", CELLS, 7, LARGEST, "--into", 9).out
    found = filled("mapping", CELLS).ok()
    assert (found["number"], found["supervoxels"], found["bodies"]) == (3, 2, 2)


@pytest.mark.parametrize("kind", ["hdf5", "parquet"])
def test_a_mapping_of_a_file(filled: Command, labels: Path, tmp_path: Path, kind: str) -> None:
    file = tmp_path / "mapping"
    pairs = np.array([[1, 50], [7, 50]])
    if kind == "hdf5":
        with h5py.File(file, "w") as hdf5:
            hdf5["transforms"] = pairs
    else:
        pq.write_table(pa.table({"supervoxel": [1, 7], "body": [50, 50]}), file)
    found = filled("mapping", CELLS, "--import", file).ok()
    assert (found["number"], found["supervoxels"], found["bodies"]) == (1, 2, 1)
    assert found["changed"]["kind"] == "replace"
    voxels = np.load(labels)
    body = filled("label", CELLS, 50, "--bodies").ok()
    assert body["voxels"] == np.count_nonzero(np.isin(voxels, [1, 7]))
    assert "bodies" in filled.plain("mapping", CELLS).out


def test_reserved_ids_are_new(filled: Command, tmp_path: Path) -> None:
    # The labels have the largest id that there is.
    assert filled("reserve", CELLS, 3).kind == "limit-exceeded"
    np.save(tmp_path / "few", np.full((8, 8, 8), 41, np.uint64))
    name = "lab/cube/few"
    filled.ingest(tmp_path / "few.npy", name, "--kind", "labels", "--index").ok()
    assert filled("reserve", name, 3).ok() == {"first": "42", "stop": "45"}
    assert "46" in filled.plain("reserve", name, 2).out


@pytest.mark.parametrize(
    ("words", "code", "kind"),
    [
        (("merge", CELLS, 1), 2, "invalid-input"),
        (("merge", "lab/cube/em", 1, 2), 2, "unsupported"),
        (("merge", CELLS, 1, 424242), 4, "not-found"),
        (("cleave", CELLS, 1, 7), 1, "conflict"),
        (("cleave", CELLS, 1, 424242), 4, "not-found"),
        (("mapping", CELLS, "--import", "no-such-file"), 2, "bad-source"),
        (("mapping", CELLS, "--import", "text"), 2, "bad-source"),
        (("mapping", CELLS, "--import", "other.parquet"), 2, "bad-source"),
        (("reserve", CELLS, 0), 2, "invalid-input"),
        (("label", CELLS, 424242, "--bodies"), 4, "not-found"),
    ],
)
def test_what_cannot_be_done(
    shared: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[Any, ...],
    code: int,
    kind: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text").write_text("1 2")
    pq.write_table(pa.table({"label": [1]}), tmp_path / "other.parquet")
    said = shared(*words)
    assert (said.code, said.kind) == (code, kind)
