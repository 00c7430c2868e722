"""Where things lie in a lake, and finding them again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.ngff.datasets import Sample, create

from voxlake.ngff.dataset import open_dataset
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.lake import Fault, Place, discover, survey
from voxlake.platform import store
from voxlake.platform.errors import NotFoundError, OutOfBoundsError
from voxlake.platform.names import DatasetName

if TYPE_CHECKING:
    from pathlib import Path

    from voxlake.platform.store import StoreURL

IMAGE = Place(DatasetName("lab", "brain", "em"), Kind.IMAGE)
LABELS = Place(DatasetName("lab", "brain", "seg"), Kind.LABELS, "em")
ALONE = Place(DatasetName("lab", "brain", "cells"), Kind.LABELS)


@pytest.mark.parametrize(
    ("place", "dataset", "index"),
    [
        (IMAGE, "lab/brain/em.ome.zarr", "lab/brain/em.index/em"),
        (LABELS, "lab/brain/em.ome.zarr/labels/seg", "lab/brain/em.index/seg"),
        (ALONE, "lab/brain/cells.ome.zarr", "lab/brain/cells.index/cells"),
    ],
)
def test_places(place: Place, dataset: str, index: str, lake: StoreURL) -> None:
    assert lake / place.key == lake / dataset
    assert lake / place.index_key == lake / index
    assert not index.startswith(f"{dataset}/")


def test_every_dataset_is_found_again(any_store: StoreURL) -> None:
    assert list(discover(any_store)) == []
    create(any_store, Sample())
    create(any_store, Sample(Kind.LABELS, dtype="uint64", name="seg", of="em"))
    create(any_store, Sample(Kind.LABELS, dtype="uint64", name="cells"))
    store.write(any_store / LABELS.index_key / "shards/0.0.0.parquet", b"index")
    assert set(discover(any_store)) == {IMAGE, LABELS, ALONE}


def test_what_others_left_in_the_lake_is_passed_over(lake: StoreURL) -> None:
    create(lake, Sample())
    for key in (
        ".voxlake/catalog.sqlite",
        "my notes/brain/em.ome.zarr/x",
        "lab/a b/em.ome.zarr/x",
        "lab/brain/em 2.ome.zarr/x",
        "lab/brain/.ome.zarr/x",
        "lab/brain/em.ome.zarr/labels/.trash/x",
        "lab/brain/raw/1.tif",
        "lab/readme.txt",
    ):
        store.write(lake / key, b"x")
    assert list(discover(lake)) == [IMAGE]


OME = '{"zarr_format": 3, "node_type": "group", "attributes": {"ome": %s}}'


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("{", "not JSON"),
        ("[]", "no object"),
        ('{"zarr_format": 3, "attributes": {"voxlake": {"seal": "x"}}}', "seal"),
        (OME % '{"version": "0.5", "plate": {}}', "plate of wells"),
        (OME % '{"version": "0.6", "scene": {}}', "scene of images"),
        (OME % '{"version": "1.0", "multiscales": [{}]}', "OME-Zarr 1.0"),
        (OME % '{"version": "0.5", "multiscales": [{}]}', "axes"),
    ],
)
@pytest.mark.parametrize("key", ["lab/brain/a.ome.zarr", "lab/brain/em.ome.zarr/labels/bad"])
def test_a_damaged_or_foreign_group_is_told_and_stops_nothing(
    key: str, body: str, says: str, lake: StoreURL
) -> None:
    create(lake, Sample())
    store.write(lake / key / "zarr.json", body.encode())
    [fault] = [found for found in survey(lake) if isinstance(found, Fault)]
    assert fault.key == key
    assert says in fault.text
    assert list(discover(lake)) == [IMAGE]


@pytest.mark.folder
@pytest.mark.parametrize(
    ("linked", "faults"),
    [
        ("em.ome.zarr", {"em.ome.zarr", "em.ome.zarr/labels"}),
        ("em.ome.zarr/zarr.json", {"em.ome.zarr"}),
        ("em.ome.zarr/labels", {"em.ome.zarr/labels"}),
        ("em.ome.zarr/labels/seg/zarr.json", {"em.ome.zarr/labels/seg"}),
    ],
)
def test_a_link_is_told_and_stops_nothing(
    linked: str, faults: set[str], lake: StoreURL, tmp_path: Path
) -> None:
    create(lake, Sample())
    create(lake, Sample(Kind.LABELS, dtype="uint64", name="seg", of="em"))
    create(lake, Sample(name="other"))
    link = (lake / "lab/brain" / linked).path
    link.symlink_to(link.rename(tmp_path / "elsewhere"))
    found = {each.key: each for each in survey(lake)}
    told = {key: each.text for key, each in found.items() if isinstance(each, Fault)}
    assert told.keys() == {f"lab/brain/{key}" for key in faults}
    assert all(f"{link} is a symbolic link" in text for text in told.values())
    assert isinstance(found["lab/brain/other.ome.zarr"], Place)


def test_labels_of_a_damaged_image_are_found(lake: StoreURL) -> None:
    create(lake, Sample())
    create(lake, Sample(Kind.LABELS, dtype="uint64", name="seg", of="em"))
    store.write(lake / IMAGE.key / "zarr.json", b"{")
    assert list(discover(lake)) == [LABELS]


def test_a_dataset_has_its_levels_and_no_others(lake: StoreURL) -> None:
    create(lake, Sample())
    dataset = open_dataset(lake / IMAGE.key)
    assert dataset.kind is Kind.IMAGE
    assert dataset.levels == 3
    assert dataset.level_url(2) == dataset.url / "2"
    assert dataset.level(2).shape == (17, 18, 33)
    for number in (-1, 3):
        with pytest.raises(OutOfBoundsError, match="levels 0 to 2"):
            dataset.level(number)
    with pytest.raises(NotFoundError):
        open_dataset(lake / "nothing")
