"""Every command's happy path, in JSON and for people."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import zarr
from tests.api.cli.conftest import SHAPE, Command, command_on, run_command
from tests.ngff.datasets import Sample, create, new_dataset

from voxlake.client import Lake
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.making.create import create_dataset
from voxlake.platform import store
from voxlake.platform.store import StoreURL


def test_init_makes_a_lake_once(voxlake: Command) -> None:
    first, second = voxlake("init").ok(), voxlake("init").ok()
    assert (first["made"], second["made"]) == (True, False)
    assert first["lake"] == voxlake.lake
    assert {each["name"] for each in first["store"]} >= {"create-if-absent", "ranges"}
    assert all(each["ok"] for each in first["store"])
    assert "create-if-absent" in voxlake.plain("init").out


def test_ingest_writes_what_the_source_holds(voxlake: Command, image: Path) -> None:
    report = voxlake.ingest(image, "lab/cube/em", "--levels", "2", "--public").ok()
    assert report["state"] == "done"
    assert [stage["name"] for stage in report["stages"]] == ["ingest"]
    coarser = [-(-n // 2) for n in SHAPE]
    assert report["run"]["voxels"] == np.prod(SHAPE) + np.prod(coarser)
    group = zarr.open_group(Path(voxlake.lake) / "lab/cube/em.ome.zarr", mode="r")
    array = group["0"]
    assert isinstance(array, zarr.Array)
    assert np.array_equal(np.asarray(array[...]), np.load(image))
    assert sorted(group.array_keys()) == ["0", "1"]


def test_info_tells_what_zarr_tells(shared: Command) -> None:
    info = shared("info", "lab/cube/cells").ok()
    url = Path(shared.lake) / "lab/cube/em.ome.zarr/labels/cells"
    array = zarr.open_group(url, mode="r")["0"]
    assert isinstance(array, zarr.Array)
    level = info["levels"][0]
    assert info["store_url"] == str(url)
    assert tuple(info["shape"]) == array.shape == SHAPE
    assert (info["kind"], info["of"], info["dtype"]) == (
        "labels",
        "lab/cube/em",
        array.dtype.name,
    )
    assert tuple(level["chunk"]) == array.chunks
    assert tuple(level["shard"]) == array.shards
    assert level["codecs"] == json.loads((url / "0/zarr.json").read_text())["codecs"]
    shards = [path for path in (url / "0/c").rglob("*") if path.is_file()]
    assert level["stored"] == {
        "objects": len(shards),
        "bytes": sum(path.stat().st_size for path in shards),
    }
    assert info["voxel_size"] == {"z": 10.0, "y": 10.0, "x": 10.0, "unit": "nanometer"}
    assert [axis["name"] for axis in info["axes"]] == ["z", "y", "x"]
    assert info["state"] == "ready"
    assert (info["index"]["indexed"], info["index"]["missing"]) == (1, 0)
    index = info["index"]
    assert index["rows"] > 0
    assert index["by_label"]["segments"] in {0, 1}
    plain = shared.plain("info", "lab/cube/cells").out
    assert f"{index['bytes'] / index['rows']:.1f} a row" in plain
    assert f"{index['bytes'] / np.prod(info['shape']):.2g} a voxel" in plain
    assert "zstd" in plain


def test_ls_lists_all_or_one_experiment(shared: Command) -> None:
    names = [each["name"] for each in shared("ls").ok()["datasets"]]
    assert names == ["lab/cube/cells", "lab/cube/em"]
    assert len(shared("ls", "lab/cube").ok()["datasets"]) == 2
    assert shared("ls", "other").kind == "not-found"
    assert "lab/cube/em" in shared.plain("ls").out


def test_labels_name_their_image_by_either_of_its_names(
    voxlake: Command, image: Path, labels: Path
) -> None:
    voxlake.ingest(image).ok()
    for name, of in (("lab/cube/one", "em"), ("lab/cube/two", "lab/cube/em")):
        voxlake.ingest(labels, name, "--kind", "labels", "--of", of).ok()
        assert voxlake("info", name).ok()["of"] == "lab/cube/em"
    planned = ("--kind", "labels", "--of", "lab/cube/em", "--voxel-size", "10nm")
    assert voxlake("plan", labels, "lab/cube/three", *planned).code == 0


def test_verify_compares_with_the_source(shared: Command, image: Path, labels: Path) -> None:
    assert shared("verify", "lab/cube/em", "--source", image).ok()["verified"] is True
    assert shared("verify", "lab/cube/cells", "--source", labels).ok()["verified"] is True
    # Of one level, there is nothing to compare without the source.
    assert shared("verify", "lab/cube/em").kind == "invalid-input"
    assert "verified" in shared.plain("verify", "lab/cube/em", "--source", image).out


def test_verify_does_not_judge_levels_of_another_program(voxlake: Command) -> None:
    path = Path(voxlake.lake) / "lab" / "cube" / "theirs.ome.zarr"
    axes = [{"name": name, "type": "space", "unit": "nanometer"} for name in "zyx"]
    levels = [
        {"path": path, "coordinateTransformations": [{"type": "scale", "scale": [f, f, f]}]}
        for path, f in (("a", 10.0), ("b", 20.0))
    ]
    attributes = {"multiscales": [{"version": "0.4", "axes": axes, "datasets": levels}]}
    group = zarr.create_group(path, zarr_format=2, attributes=attributes)
    voxels = np.random.default_rng(3).integers(0, 255, (8, 8, 8), np.uint8)
    group.create_array("a", data=voxels)
    group.create_array("b", data=voxels[::2, ::2, ::2])
    assert voxlake("init").ok()["restored"] == ["lab/cube/theirs"]
    alone = voxlake("verify", "lab/cube/theirs")
    assert alone.kind == "invalid-input"
    assert "another program" in alone.document["detail"]
    compared = voxlake("verify", "lab/cube/theirs", "--source", path).ok()
    assert compared["verified"] is True
    assert [stage["name"] for stage in compared["stages"]] == ["verify-source"]


def test_verify_names_the_shard_that_differs(filled: Command, image: Path) -> None:
    voxels = np.load(image)
    voxels[5, 6, 7] ^= 1
    np.save(image, voxels)
    answer = filled("verify", "lab/cube/em", "--source", image)
    assert answer.code == 5
    assert answer.document["verified"] is False
    (difference,) = answer.document["differences"]
    assert difference["different"] == 1
    assert "em.ome.zarr/0/c/0/0/0" in difference["shard"]
    plain = filled.plain("verify", "lab/cube/em", "--source", image)
    assert plain.code == 5
    assert "em.ome.zarr/0/c/0/0/0" in plain.out


def test_verify_finds_a_flipped_bit(filled: Command, image: Path) -> None:
    shard = Path(filled.lake) / "lab/cube/em.ome.zarr/0/c/0/0/0"
    body = bytearray(shard.read_bytes())
    body[len(body) // 2] ^= 4
    shard.write_bytes(body)
    answer = filled("verify", "lab/cube/em", "--source", image)
    assert answer.code == 5
    assert "damaged" in answer.document["differences"][0]["note"]


def test_downsample_mends_a_level(filled: Command) -> None:
    name = "lab/wide/em"
    filled.ingest("phantom:40,140,150", name).ok()
    shard = Path(filled.lake) / "lab/wide/em.ome.zarr/1/c/0/0/0"
    body = shard.read_bytes()
    shard.unlink()
    assert filled("verify", name).code == 5
    report = filled("downsample", name).ok()
    assert [stage["name"] for stage in report["stages"]] == ["downsample-1-2"]
    assert shard.read_bytes() == body
    assert filled("verify", name).ok()["verified"]


def test_index_mends_an_index(filled: Command) -> None:
    before = filled("info", "lab/cube/cells").ok()["index"]
    (sidecar,) = (Path(before["url"]) / "shards").rglob("*.parquet")
    sidecar.unlink()
    assert filled("info", "lab/cube/cells").ok()["index"]["missing"] == 1
    assert filled("index", "lab/cube/cells").ok()["kind"] == "index"
    assert filled("info", "lab/cube/cells").ok()["index"] == before


def test_init_restores_a_lost_catalog(filled: Command) -> None:
    for path in (Path(filled.lake) / ".voxlake").glob("catalog*"):
        path.unlink()
    assert filled("ls").ok()["datasets"] == []
    restored = filled("init").ok()
    assert sorted(restored["restored"]) == ["lab/cube/cells", "lab/cube/em"]
    assert restored["made"] is False
    assert filled("info", "lab/cube/cells").ok()["of"] == "lab/cube/em"
    assert {each["state"] for each in filled("ls").ok()["datasets"]} == {"ready"}
    assert filled("init").ok()["restored"] == []


def test_init_names_what_is_no_dataset_and_takes_the_others(voxlake: Command) -> None:
    voxlake("init").ok()
    lake = StoreURL.parse(voxlake.lake)
    create(lake, Sample(name="good"))
    plate = '{"zarr_format": 3, "node_type": "group", "attributes": {"ome": {"plate": {}}}}'
    bodies = {"plate": plate, "torn": "{"}
    for name, body in bodies.items():
        store.write(lake / f"lab/brain/{name}.ome.zarr/zarr.json", body.encode())
    found = voxlake("init").ok()
    assert found["restored"] == ["lab/brain/good"]
    faults = found["faults"]
    assert faults.keys() == {f"lab/brain/{name}.ome.zarr" for name in bodies}
    assert "plate of wells" in faults["lab/brain/plate.ome.zarr"]
    with pytest.warns(UserWarning, match="left out") as warned:
        assert [str(each.name) for each in Lake.at(voxlake.lake).datasets()] == ["lab/brain/good"]
    assert len(warned) == len(bodies)


def test_init_takes_no_dataset_for_ready_whose_ingest_was_cut_off(voxlake: Command) -> None:
    """Neither an image nor labels in it; the catalog that knew of their jobs is lost."""
    voxlake("init").ok()
    lake = StoreURL.parse(voxlake.lake)
    for sample in (Sample(), Sample(Kind.LABELS, dtype="uint64", name="seg", of="em")):
        create_dataset(lake, new_dataset(sample), "01JAAAAAAAAAAAAAAAAAAAAAAA")
    create(lake, Sample(name="older"))
    voxlake("init").ok()
    states = {each["name"]: each["state"] for each in voxlake("ls").ok()["datasets"]}
    assert states == {
        "lab/brain/em": "failed",
        "lab/brain/seg": "failed",
        "lab/brain/older": "ready",
    }


def test_lake_on_s3_is_made_by_init_alone(
    s3_store: StoreURL,
    tmp_path: Path,
    image: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    voxlake = command_on(str(s3_store), tmp_path, monkeypatch, capsys)
    refused = voxlake.ingest(image)
    assert (refused.code, refused.kind) == (4, "not-found")
    assert "voxlake init" in refused.document["detail"]
    assert voxlake("init").ok()["made"] is True
    voxlake.ingest(image).ok()
    assert voxlake("verify", "lab/cube/em", "--source", image).ok()["verified"]
    assert voxlake("info", "lab/cube/em").ok()["levels"][0]["stored"]["objects"] == 1


def test_process_answers_one_document_and_progress_beside_it(tmp_path: Path, image: Path) -> None:
    lake = tmp_path / "lake"
    words = ("ingest", image, "lab/cube/em", "--kind", "image", "--voxel-size", "10,10,10nm")
    answer = run_command(*words, "--lake", lake, "--workers", "1", "--json")
    assert answer.ok()["dataset"] == "lab/cube/em"
    assert "ingest: 1 of 1 tasks" in answer.err
    assert "Traceback" not in answer.err
