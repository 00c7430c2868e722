"""Collections, experiments, frames and what is said of them, from the command line."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from voxlake.platform.catalog import open_catalog
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    import pytest
    from tests.api.cli.conftest import Command

    from voxlake.platform.store import StoreURL


def _names(voxlake: Command, *words: str) -> list[str]:
    return [each["name"] for each in voxlake(*words).ok()["places"]]


def test_collections_and_experiments(filled: Command) -> None:
    made = filled("collection", "add", "flyem", "--description", "Brains of flies").ok()
    assert (made["name"], made["kind"], made["public"]) == ("flyem", "collection", False)
    frame = filled("frame", "add", "hemibrain", "0:10,-5:20,0:9", "40,8,8nm").ok()["frames"][0]
    assert (frame["start"], frame["stop"]) == ([0, -5, 0], [10, 20, 9])
    assert (frame["voxel_size"], frame["unit"]) == ([40, 8, 8], "nanometer")
    inner = filled("experiment", "add", "flyem/medulla", "--frame", "hemibrain").ok()
    assert (inner["kind"], inner["frame"]) == ("experiment", "hemibrain")
    filled("frame", "add", "other", "0:1,0:1,0:1", "0.5um").ok()
    assert filled("experiment", "frame", "flyem/medulla", "other").ok()["frame"] == "other"
    changed = filled("frame", "update", "other", "--name", "fly", "--description", "x").ok()
    assert [each["name"] for each in changed["frames"]] == ["fly"]
    filled("frame", "rm", "hemibrain").ok()
    assert [each["name"] for each in filled("frame").ok()["frames"]] == ["fly"]
    assert _names(filled, "collection") == ["flyem", "lab"]
    assert _names(filled, "experiment", "ls", "lab") == ["lab/cube"]
    assert "Brains of flies" in filled.plain("collection").out
    assert "0:1, 0:1, 0:1" in filled.plain("frame").out
    filled("experiment", "rm", "flyem/medulla").ok()
    assert filled("collection", "rm", "flyem").ok() == {"removed": "flyem", "datasets": []}
    assert _names(filled, "collection") == ["lab"]


def test_what_people_say_of_a_place(filled: Command) -> None:
    for place in ("lab", "lab/cube", "lab/cube/em"):
        filled("meta", "put", place, "species", "Drosophila").ok()
        filled("meta", "put", place, "age", "").ok()
        assert filled("meta", "ls", place).ok()["values"] == {"age": "", "species": "Drosophila"}
        assert filled("meta", "get", place, "age").ok()["values"] == {"age": ""}
        filled("meta", "rm", place, "age").ok()
        filled("meta", "describe", place, "A cube").ok()
    assert "Drosophila" in filled.plain("meta", "ls", "lab").out
    answer = filled("search", "droso cu").ok()
    names = [each["name"] for each in answer["places"]]
    assert names == ["lab", "lab/cube", "lab/cube/em"]
    assert len(filled("search", "cu", "--limit", "1").ok()["places"]) == 1
    assert filled("search", "cu", "--limit", "1").ok()["count"] == 3
    assert "lab/cube/em" in filled.plain("search", "CUBE").out
    assert filled("search", "_/_").kind == "invalid-input"
    assert filled("collection").ok()["places"][0]["description"] == "A cube"


def test_info_tells_where_a_dataset_came_from(filled: Command, image: Path) -> None:
    filled("meta", "sources", "lab/cube/cells", "lab/cube/em").ok()
    made = filled("meta", "sources", "lab/cube/em", "--related", "lab/cube/cells").ok()
    told = filled("info", "lab/cube/em").ok()["provenance"]
    assert told == made
    assert (told["related"], told["sources"]) == (["lab/cube/cells"], [])
    assert told["read_from"] == str(image)
    jobs = {job["id"]: job["kind"] for job in filled("jobs").ok()["jobs"]}
    assert jobs[told["job"]] == "ingest"
    assert "lab/cube/em" in filled.plain("info", "lab/cube/cells").out.partition("made from")[2]


def test_what_is_renamed_above_datasets_comes_back_so(filled: Command) -> None:
    """The catalog is the only one that knows; a catalog that is made anew learns it."""
    filled("mv", "lab", "lab-2").ok()
    filled("collection", "add", "zoo").ok()
    assert filled("mv", "lab-2/cube", "zoo/block").ok()["name"] == "zoo/block"
    assert filled("label", "zoo/block/cells", "7").ok()["voxels"] > 0
    listed = filled("ls", "zoo").ok()["datasets"]
    assert [(each["name"], each["of"]) for each in listed] == [
        ("zoo/block/cells", "zoo/block/em"),
        ("zoo/block/em", None),
    ]
    for file in (Path(filled.lake) / ".voxlake").glob("catalog.sqlite*"):
        file.unlink()
    assert set(filled("init").ok()["restored"]) == {"zoo/block/cells", "zoo/block/em"}
    listed = filled("ls").ok()["datasets"]
    assert {each["name"]: each["of"] for each in listed} == {
        "zoo/block/cells": "zoo/block/em",
        "zoo/block/em": None,
    }
    assert _names(filled, "collection") == ["zoo"]
    assert _names(filled, "experiment", "ls", "zoo") == ["zoo/block"]


def test_all_of_a_collection_is_deleted_when_that_is_asked(filled: Command, image: Path) -> None:
    filled.ingest(image, "lab/other/em").ok()
    refused = filled("collection", "rm", "lab")
    assert (refused.kind, "--recursive" in refused.document["detail"]) == ("conflict", True)
    removed = filled("collection", "rm", "lab", "--recursive").ok()
    assert removed["datasets"] == ["lab/cube/cells", "lab/cube/em", "lab/other/em"]
    assert filled("ls").ok()["datasets"] == []
    assert _names(filled, "collection") == []
    left = [path for path in (Path(filled.lake) / "lab").rglob("*") if path.is_file()]
    assert left == []
    filled.ingest(image, "lab/cube/em").ok()


def test_what_does_not_fit_is_said(shared: Command) -> None:
    for words, kind, said in (
        (("collection", "add", "lab"), "conflict", "exists already"),
        (("collection", "add", "a/b"), "invalid-name", "a/b"),
        (("experiment", "add", "lab"), "invalid-name", "COLLECTION/EXPERIMENT"),
        (("experiment", "add", "no/where"), "not-found", "no no"),
        (("experiment", "ls", "none"), "not-found", "no collection none"),
        (("experiment", "frame", "lab/cube", "none"), "not-found", "no frame none"),
        (("frame", "add", "f", "0:1,0:1", "8nm"), "invalid-input", "no extent"),
        (("frame", "add", "f", "0:1,0:1,x:2", "8nm"), "invalid-input", "no extent"),
        (("frame", "add", "f", "0:1,0:1,0:1", "8,8nm"), "invalid-input", "give z,y,x"),
        (("frame", "add", "f", "0:1,0:1,0:1", "8m"), "invalid-input", "cannot be measured"),
        (("frame", "add", "f", "0:1,1:1,0:1", "8nm"), "invalid-input", "STOP above START"),
        (("meta", "get", "lab", "none"), "not-found", "no key 'none'"),
        (("meta", "put", "lab/none", "k", "v"), "not-found", "no lab/none"),
        (("mv", "lab", "lab/cube"), "invalid-name", "as many names"),
        (("mv", "none", "other"), "not-found", "no collection none"),
    ):
        answer = shared(*words)
        assert (answer.kind, said in answer.document["detail"]) == (kind, True), (words, answer)


def test_collections_of_a_lake_on_s3_come_back(
    s3_store: StoreURL, image: Path, voxlake: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOXLAKE_LAKE", str(s3_store))
    voxlake("init").ok()
    voxlake.ingest(image, "lab/cube/em").ok()
    labels = image.parent / "labels.npy"
    shutil.copy(image, labels)
    words = ("--kind", "labels", "--of", "em", "--dtype", "uint64", "--voxel-size", "10nm")
    voxlake("ingest", labels, "lab/cube/cells", *words).ok()
    voxlake("mv", "lab", "zoo").ok()
    with open_catalog(s3_store, Settings()) as catalog:
        file = Path(str(catalog.database.engine.url.database))
    for each in file.parent.glob(f"{file.name}*"):
        each.unlink()
    assert set(voxlake("init").ok()["restored"]) == {"zoo/cube/em", "zoo/cube/cells"}
    listed = voxlake("ls").ok()["datasets"]
    assert [each["of"] for each in listed] == ["zoo/cube/em", None]
    assert _names(voxlake, "experiment", "ls", "zoo") == ["zoo/cube"]
