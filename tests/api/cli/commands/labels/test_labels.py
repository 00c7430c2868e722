"""``voxlake labels`` and ``voxlake label``, against NumPy, in JSON, in files and for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
import zarr
from tests.ngff.labels.queries.samples import brute_runs, decode_rles, decode_spans

from voxlake.documents.box import BoxDocument
from voxlake.ngff.grid.box import Box
from voxlake.ngff.labels.mapping.changes import merge
from voxlake.ngff.labels.objects.label_object import LabelObject, ObjectType
from voxlake.ngff.labels.objects.writing import put_objects
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt
    from tests.api.cli.conftest import Command

CELLS, LARGEST = "lab/cube/cells", (1 << 64) - 1


@pytest.fixture
def voxels(labels: Path) -> npt.NDArray[np.uint64]:
    return np.asarray(np.load(labels))


def test_all_labels(shared: Command, voxels: npt.NDArray[np.uint64], tmp_path: Path) -> None:
    file = tmp_path / "labels.arrow"
    answer = shared("labels", CELLS, "--arrow", file).ok()
    ids, counts = np.unique(voxels[voxels != 0], return_counts=True)
    assert [each["label"] for each in answer["labels"]] == list(map(str, ids.tolist()))
    assert [each["voxels"] for each in answer["labels"]] == counts.tolist()
    assert answer["count"] == len(ids)
    first = answer["labels"][0]
    where = np.argwhere(voxels == ids[0])
    ends = np.transpose([where.min(axis=0), where.max(axis=0) + 1])
    assert first["box"] == dict(zip("zyx", ends.tolist(), strict=True))
    with pa.ipc.open_file(str(file)) as reader:
        table = reader.read_all()
    assert (table["label"].to_pylist(), table["voxels"].to_pylist()) == (
        ids.tolist(),
        counts.tolist(),
    )
    assert answer["written"]["bytes"] == file.stat().st_size
    assert f"{LARGEST}" in shared.plain("labels", CELLS).out


def test_the_largest(shared: Command, voxels: npt.NDArray[np.uint64]) -> None:
    ids, counts = np.unique(voxels[voxels != 0], return_counts=True)
    answer = shared("labels", CELLS, "--top", 2).ok()
    assert [each["label"] for each in answer["labels"]] == [
        str(ids[line]) for line in np.argsort(-counts, kind="stable")[:2]
    ]
    assert answer["count"] == len(ids)
    assert "the largest 2 of 3 labels" in shared.plain("labels", CELLS, "--top", 2).out


def test_labels_of_a_box(shared: Command, voxels: npt.NDArray[np.uint64], tmp_path: Path) -> None:
    box, file = Box((3, 5, 7), (4, 6, 11)), tmp_path / "box.arrow"
    answer = shared("labels", CELLS, "--box", "3:4,5:6,7:11", "--arrow", file).ok()
    block = voxels[box.slices]
    ids, counts = np.unique(block[block != 0], return_counts=True)
    assert answer["labels"] == list(map(str, ids.tolist()))
    assert answer["counts"] == counts.tolist()
    assert answer["box"] == {"z": [3, 4], "y": [5, 6], "x": [7, 11]}
    with pa.ipc.open_file(str(file)) as reader:
        assert reader.read_all()["label"].to_pylist() == ids.tolist()
    assert "voxels" in shared.plain("labels", CELLS, "--box", "3:4,5:6,7:11").out


def test_one_label_and_its_voxels_in_files(
    shared: Command, voxels: npt.NDArray[np.uint64], tmp_path: Path
) -> None:
    names = ("rles", "srles", "blocks", "arrow", "mask")
    files = {name: tmp_path / name for name in names}
    words = [word for name, file in files.items() for word in (f"--{name}", file)]
    answer = shared("label", CELLS, LARGEST, "--chunks", *words).ok()
    where = np.argwhere(voxels == LARGEST)
    box = Box(tuple(where.min(axis=0).tolist()), tuple((where.max(axis=0) + 1).tolist()))
    assert (answer["label"], answer["voxels"]) == (str(LARGEST), len(where))
    assert BoxDocument.model_validate(answer["box"]).box == box
    assert voxels[tuple(answer["point"])] == LARGEST
    assert (answer["cells"], answer["morton"]) == ([[0, 0, 0]], [["0", "1"]])
    assert [each["bytes"] for each in answer["written"]] == [
        file.stat().st_size for file in files.values()
    ]
    runs = brute_runs(voxels, LARGEST, box)
    assert decode_rles(files["rles"].read_bytes()) == runs
    assert decode_spans(files["srles"].read_bytes()) == runs
    with pa.ipc.open_file(str(files["arrow"])) as reader:
        assert sorted(map(tuple, (row.values() for row in reader.read_all().to_pylist()))) == runs
    assert np.array_equal(np.load(files["mask"]), voxels[box.slices] == LARGEST)
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".part")] == []


def test_a_label_in_a_box(shared: Command, voxels: npt.NDArray[np.uint64], tmp_path: Path) -> None:
    box, file = Box((0, 3, 0), (2, 30, 41)), tmp_path / "mask.npy"
    said = shared.plain("label", CELLS, 7, "--chunks", "--mask", file, "--box", "0:2,3:30,0:41")
    assert said.code == 0
    assert str(file) in said.out
    assert np.array_equal(np.load(file), voxels[box.slices] == 7)


def test_labels_that_others_write_are_audited_and_compacted(filled: Command) -> None:
    assert filled("audit", CELLS).ok()["marked"] == []
    first = filled("compact", CELLS).ok()
    # The ingest has made the first run.
    assert (first["shards"], first["rows"], first["number"]) == (0, 0, 1)
    assert (first["objects"], first["mapping"]) == ({"number": 0, "segments": 0, "rows": 0}, 0)
    group = zarr.open_group(f"{filled.lake}/lab/cube/em.ome.zarr/labels/cells", mode="r+")
    array = group["0"]
    assert isinstance(array, zarr.Array)
    array[...] = np.where(np.asarray(array[...]) == 7, np.uint64(8), np.asarray(array[...]))
    assert filled("audit", CELLS).ok()["marked"] == [[0, 0, 0]]
    labels = filled("labels", CELLS).ok()
    assert [each["label"] for each in labels["labels"]] == ["1", "8", str(LARGEST)]
    assert labels["as_of"] is None
    assert "written by others" in filled.plain("audit", CELLS).out
    second = filled("compact", CELLS).ok()
    assert (second["shards"], second["number"] > first["number"]) == (1, True)
    assert "shards taken in" in filled.plain("compact", CELLS).out
    index = StoreURL.parse(f"{filled.lake}/lab/cube/em.index/cells")
    merge(index, [1, 8], "tests")
    put_objects(index, [LabelObject(id=1, type=ObjectType.NEURON)])
    third = filled("compact", CELLS).ok()
    assert (third["objects"]["rows"], third["mapping"]) == (1, 1)
    assert filled("label", CELLS, 7).code == 4
    assert filled("label", CELLS, 8).ok()["chunks"] == 1


@pytest.mark.parametrize(
    ("words", "code", "kind"),
    [
        (("label", CELLS, 424242), 4, "not-found"),
        (("label", CELLS, 0), 2, "invalid-input"),
        (("label", "lab/cube/em", 1), 2, "unsupported"),
        (("label", CELLS, 1, "--mask", "m", "--box", "0:99,0:1,0:1"), 2, "out-of-bounds"),
        (("label", CELLS, 1, "--rles", "no/such/folder"), 2, "invalid-input"),
        (("labels", "lab/cube/em"), 2, "unsupported"),
        (("labels", "lab/cube/none"), 4, "not-found"),
        (("labels", CELLS, "--box", "0:99,0:1,0:1"), 2, "out-of-bounds"),
        (("labels", CELLS, "--box", "5,6,7"), 2, "invalid-input"),
    ],
)
def test_what_cannot_be_answered(
    shared: Command,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    words: tuple[object, ...],
    code: int,
    kind: str,
) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    monkeypatch.chdir(folder)
    answer = shared(*words)
    assert (answer.code, answer.kind) == (code, kind)
    assert list(folder.iterdir()) == []


def test_labels_in_time_are_asked_at_one_time_point(voxlake: Command, tmp_path: Path) -> None:
    voxels = np.zeros((2, 9, 10, 11), np.uint64)
    voxels[0, 2:4, 3, 4:9] = 5
    voxels[1, 1:, 5:7] = LARGEST
    np.save(tmp_path / "cells.npy", voxels)
    name, options = "lab/movie/cells", ("--kind", "labels", "--voxel-size", "9nm")
    voxlake("ingest", tmp_path / "cells.npy", name, *options, "--axes", "tzyx", "--index").ok()
    for time, (label, count) in enumerate([(5, 10), (LARGEST, 176)]):
        listed = voxlake("labels", name, "--time", time).ok()
        assert [(each["label"], each["voxels"]) for each in listed["labels"]] == [
            (str(label), count)
        ]
        inside = voxlake("labels", name, "--time", time, "--box", "0:9,0:10,0:11").ok()
        assert (inside["labels"], inside["counts"]) == ([str(label)], [count])
        assert voxlake("label", name, label, "--time", time).ok()["voxels"] == count
    assert voxlake("labels", name).ok()["labels"][0]["label"] == "5"
    assert voxlake("labels", name, "--time", 2).kind == "out-of-bounds"
    index = voxlake("info", name).ok()["index"]
    assert (index["shards"], index["indexed"], index["by_label"]["segments"]) == (2, 2, 2)
    array = zarr.open_group(f"{voxlake.lake}/lab/movie/cells.ome.zarr", mode="r+")["0"]
    assert isinstance(array, zarr.Array)
    array[1, 0, 0, 0] = 7
    assert voxlake("audit", name).ok()["marked"] == [[1, 0, 0, 0]]
    assert voxlake("compact", name).ok()["shards"] == 1
    assert voxlake("reserve", name, 1).kind == "limit-exceeded"  # none is above the largest
    assert [each["label"] for each in voxlake("labels", name, "--time", 1).ok()["labels"]] == [
        "7",
        str(LARGEST),
    ]
