"""Living with a lake: datasets are deleted, renamed, published; what was done by hand is seen."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import zarr
from tests.servers.folders import read_only_copy

from voxlake.cli.catalog.repair import differences
from voxlake.compute.jobs.kinds import overwriting
from voxlake.platform.catalog import open_catalog
from voxlake.platform.errors import StoreReadOnlyError
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from tests.api.cli.conftest import Command


def _listed(voxlake: Command) -> dict[str, dict[str, object]]:
    return {each["name"]: each for each in voxlake("ls").ok()["datasets"]}


def test_a_dataset_is_renamed_with_its_labels(filled: Command, image: Path) -> None:
    answer = filled("mv", "lab/cube/em", "lab/block/raw").ok()
    assert (answer["before"], answer["dataset"]["name"]) == ("lab/cube/em", "lab/block/raw")
    assert [each["name"] for each in answer["labels"]] == ["lab/block/cells"]
    assert _listed(filled)["lab/block/cells"]["of"] == "lab/block/raw"
    store_url = filled("info", "lab/block/raw").ok()["store_url"]
    array = zarr.open_array(f"{store_url}/0", mode="r")
    assert np.array_equal(array[:], np.load(image))
    assert filled("verify", "lab/block/raw", "--source", image).ok()["verified"]
    assert filled("label", "lab/block/cells", "7").ok()["voxels"] > 0
    assert filled("info", "lab/cube/em").kind == "not-found"
    filled.ingest(image, "lab/cube/em").ok()
    assert filled("mv", "lab/cube/em", "lab/block/raw").kind == "conflict"


def test_a_dataset_is_deleted_and_its_name_is_free(filled: Command, image: Path) -> None:
    refused = filled.plain("rm", "lab/cube/em")
    assert refused.code == 1
    assert "labels cells lie inside lab/cube/em" in refused.err
    assert "--with-labels" in refused.err
    answer = filled("rm", "lab/cube/em", "--with-labels").ok()
    assert (answer["removed"], answer["labels"]) == ("lab/cube/em", ["lab/cube/cells"])
    assert _listed(filled) == {}
    assert filled("rm", "lab/cube/em").kind == "not-found"
    filled.ingest(image).ok()
    assert filled("verify", "lab/cube/em", "--source", image).ok()["verified"]


def test_what_was_deleted_comes_back_or_is_purged(filled: Command, image: Path) -> None:
    hidden = filled("rm", "lab/cube/em", "--with-labels", "--later").ok()
    assert (hidden["removing"], hidden["labels"]) == ("lab/cube/em", ["lab/cube/cells"])
    assert _listed(filled) == {}
    [place] = filled("deleted").ok()["deleted"]
    assert {name: place[name] for name in ("id", "name", "purge_at", "with_it")} == {
        "id": hidden["id"],
        "name": "lab/cube/em",
        "purge_at": hidden["purge_at"],
        "with_it": ["lab/cube/cells"],
    }
    refused = filled("jobs", "cancel", hidden["job"])
    assert "voxlake undelete" in refused.document["detail"]
    filled("worker", "--once").ok()
    assert filled("undelete", "lab/cube/em", "--to", "lab/block/raw").kind == "not-found"
    filled("experiment", "add", "lab/block").ok()
    told = filled("undelete", "lab/cube/em", "--to", "lab/block/raw").ok()
    assert told["with_it"] == ["lab/block/cells"]
    assert filled("verify", "lab/block/raw", "--source", image).ok()["verified"]
    assert filled("label", "lab/block/cells", "7").ok()["voxels"] > 0
    assert filled("undelete", "lab/cube/em").kind == "not-found"
    filled("rm", "lab/block/cells", "--later").ok()
    purged = filled("purge", "lab/block/cells").ok()["purged"]
    assert [each["dataset"] for each in purged] == ["lab/block/cells"]
    assert purged[0]["objects"] > 3
    assert not (Path(filled.lake) / "lab/cube/em.ome.zarr/labels/cells").exists()
    assert filled("deleted").ok() == {"deleted": [], "next": None}


def test_of_several_that_had_a_name_it_is_asked_which(filled: Command, image: Path) -> None:
    ids = []
    for _ in range(2):
        ids.append(filled("rm", "lab/cube/em", "--with-labels", "--later").ok()["id"])
        filled.ingest(image).ok()
    refused = filled("undelete", "lab/cube/em")
    assert refused.kind == "conflict"
    assert all(str(each) in refused.document["detail"] for each in ids)
    assert "exists already" in filled("undelete", ids[0]).document["detail"]
    assert str(ids[1]) in filled.plain("deleted").out
    shown = filled.plain("purge", ids[0]).out
    assert "listed, nothing is left  lab/cube/em.ome.zarr" in shown
    told = filled.plain("rm", "lab/cube/em", "--later").out
    assert "voxlake undelete" in told


def test_who_may_read_is_said_of_each_dataset(filled: Command) -> None:
    for word, public in (("publish", True), ("publish", True), ("unpublish", False)):
        assert filled(word, "lab/cube/em").ok()["public"] is public
        state = {name: each["public"] for name, each in _listed(filled).items()}
        assert state == {"lab/cube/em": public, "lab/cube/cells": False}
    assert "still private: lab/cube/cells" in filled.plain("publish", "lab/cube/em").err
    assert filled("publish", "lab/cube/none").kind == "not-found"


@pytest.mark.parametrize("word", ["rm", "mv", "publish", "unpublish"])
def test_names_are_names(filled: Command, word: str) -> None:
    names = ["lab/../em"] + (["lab/cube/x"] if word == "mv" else [])
    assert filled(word, *names).kind == "invalid-name"
    assert str(DatasetName.parse("lab/cube/em")) in _listed(filled)


BY_HAND = {
    "image": ({"lab/cube/em", "lab/cube/cells"}, set[str]()),
    "labels": ({"lab/cube/cells"}, set[str]()),
    "moved": ({"lab/cube/em", "lab/cube/cells"}, {"lab/cube/raw", "lab/cube/cells"}),
    "to-another-collection": ({"lab/cube/em", "lab/cube/cells"}, {"zoo/cube/em", "zoo/cube/cells"}),
    "copied": (set[str](), {"lab/cube/twin"}),
}
"""What is done by hand: what the catalog must forget, and what it must learn."""


@pytest.mark.parametrize("what", BY_HAND)
def test_what_was_done_by_hand_is_seen_and_mended(filled: Command, what: str) -> None:
    lost, new = BY_HAND[what]
    filled("publish", "lab/cube/em").ok()
    lake = Path(filled.lake)
    em = lake / "lab/cube/em.ome.zarr"
    match what:
        case "image":
            shutil.rmtree(em)
        case "labels":
            shutil.rmtree(em / "labels/cells")
        case "moved":
            em.rename(em.with_name("raw.ome.zarr"))
        case "to-another-collection":
            (lake / "lab").rename(lake / "zoo")
        case _:
            shutil.copytree(em, em.with_name("twin.ome.zarr"), ignore=lambda *_: ["labels"])
    doctor = filled("doctor")
    found = next(each for each in doctor.document["checks"] if each["name"] == "catalog")
    assert found["state"] == ("fail" if lost else "warn")
    assert all(name in found["found"] for name in lost)
    assert "voxlake init" in found["advice"]
    before = _listed(filled)
    answer = filled("init").ok()
    assert set(answer["forgotten"]) == lost
    assert set(answer["restored"]) == new
    after = _listed(filled)
    assert set(after) == (set(before) - lost) | new
    assert not any(after[name]["public"] for name in new)
    assert all(filled("info", name).ok() for name in after)
    again = filled("init").ok()
    assert (again["forgotten"], again["restored"]) == ([], [])


def test_a_dataset_that_was_linked_elsewhere_is_told_and_not_forgotten(
    filled: Command, tmp_path: Path
) -> None:
    em = Path(filled.lake) / "lab/cube/em.ome.zarr"
    em.symlink_to(em.rename(tmp_path / "elsewhere"))
    filled("doctor").ok()
    answer = filled("init").ok()
    assert answer["forgotten"] == []
    assert "is a symbolic link" in answer["faults"]["lab/cube/em.ome.zarr"]
    assert set(_listed(filled)) == {"lab/cube/em", "lab/cube/cells"}
    assert filled("info", "lab/cube/em").kind == "store-link"


def test_what_a_job_has_yet_to_make_is_not_lost(filled: Command) -> None:
    lake = StoreURL.parse(filled.lake)
    with open_catalog(lake, Settings()) as catalog:
        em = DatasetName.parse("lab/cube/em")
        shutil.rmtree(lake.path / "lab/cube/em.ome.zarr")
        job = catalog.ledger.create_job("ingest", em.sibling("cells"), {"of": "em"})
        assert differences(lake, catalog).lost == ()
        catalog.ledger.cancel(job.id)
        assert [each.name.dataset for each in differences(lake, catalog).lost] == ["cells", "em"]


@pytest.mark.parametrize("catalog", ["copied", "lost"])
def test_a_lake_that_cannot_be_written_is_read(
    filled: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, catalog: str
) -> None:
    expected = {word: filled(*word.split()).ok() for word in QUESTIONS}
    if catalog == "lost":
        for file in (Path(filled.lake) / ".voxlake").glob("catalog*"):
            file.unlink()
    with read_only_copy(Path(filled.lake), tmp_path / "read-only") as folder:
        monkeypatch.setenv("VOXLAKE_LAKE", str(folder))
        if catalog == "lost":
            assert set(filled("init").ok()["restored"]) == {"lab/cube/em", "lab/cube/cells"}
        assert set(_listed(filled)) == {"lab/cube/em", "lab/cube/cells"}
        for word, answer in expected.items():
            assert filled(*word.split()).ok() == answer
        assert filled("info", "lab/cube/cells").ok()["index"]["stale"] == 0
        assert filled("rm", "lab/cube/cells").kind == "store-read-only"
        assert filled("init").ok()["store"] == []


QUESTIONS = (
    "label lab/cube/cells 7",
    "labels lab/cube/cells --box 0:9,3:20,1:30",
    "mapping lab/cube/cells",
)


@pytest.mark.parametrize("index", [True, False], ids=["with its index", "without"])
def test_what_was_committed_last_is_read_or_missed_in_words(
    filled: Command, tmp_path: Path, *, index: bool
) -> None:
    """A process that holds the catalog, or was killed, leaves its last commits beside the file."""
    lake = StoreURL.parse(filled.lake)
    with open_catalog(lake, Settings()) as held:
        held.set_public(DatasetName.parse("lab/cube/em"), public=True)
        copy = tmp_path / "copy"
        shutil.copytree(lake.path, copy)
    if not index:
        (copy / ".voxlake/catalog.sqlite-shm").unlink()
    with read_only_copy(copy, tmp_path / "read-only") as folder:
        if not index:
            with pytest.raises(StoreReadOnlyError, match="open the lake once"):
                open_catalog(StoreURL.parse(str(folder)), Settings())
            return
        with open_catalog(StoreURL.parse(str(folder)), Settings()) as opened:
            assert opened.get_dataset(DatasetName.parse("lab/cube/em")).public


def test_a_dataset_is_replaced_when_that_is_asked(
    filled: Command, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overwriting, "LINGER_S", 0)
    other = tmp_path / "other.npy"
    np.save(other, np.load(image).astype(np.uint16) + 300)
    words = ("ingest", other, "lab/cube/em", "--kind", "image", "--voxel-size", "10nm")
    refused = filled.plain(*words)
    assert refused.code == 1
    for way in ("voxlake mv lab/cube/em NEW", "voxlake rm lab/cube/em", "--overwrite"):
        assert way in refused.err
    answer = filled(*words, "--overwrite").ok()
    assert {"ingest", "verify-source"} <= {stage["name"] for stage in answer["stages"]}
    info = filled("info", "lab/cube/em").ok()
    assert (info["dtype"], info["whole"], info["state"]) == ("uint16", True, "ready")
    assert filled("verify", "lab/cube/em", "--source", other).ok()["verified"]
    assert filled("label", "lab/cube/cells", "7").ok()["voxels"] > 0
    filled("fsck", "lab/cube/em").ok()
    assert _listed(filled).keys() == {"lab/cube/em", "lab/cube/cells"}
