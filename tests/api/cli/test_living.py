"""Living with a lake: datasets are deleted, renamed, published; what was done by hand is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import zarr

from voxlake.platform.names import DatasetName

if TYPE_CHECKING:
    from pathlib import Path

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
    assert filled("verify", "lab/block/raw").ok()["verified"]
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
    assert filled("verify", "lab/cube/em").ok()["verified"]


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
