"""What is created passes every validator of the format."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ngff_zarr
import numpy as np
import ome_zarr_models
import pytest
import yaozarrs
import zarr
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012
from tests.ngff.datasets import Sample, create

from voxlake.ngff.dataset import open_dataset
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.grid.pyramid import Extent, plan_levels_by
from voxlake.ngff.grid.reduction import Reduction
from voxlake.ngff.lake import Place
from voxlake.ngff.making.create import NewDataset, create_dataset, list_labels
from voxlake.ngff.metadata.reading import read_labels_names
from voxlake.ngff.validate import validate_dataset
from voxlake.platform import store
from voxlake.platform.errors import ConflictError
from voxlake.platform.names import DatasetName
from voxlake.platform.store import as_zarr

if TYPE_CHECKING:
    from voxlake.ngff.dataset import Dataset
    from voxlake.platform.store import StoreURL

SCHEMAS = Path(ngff_zarr.__file__).parent / "spec" / "0.5" / "schemas"
BASE = "https://ngff.openmicroscopy.org/0.5/schemas/"

IMAGE = Sample()
LABELS = Sample(Kind.LABELS, dtype="uint64", name="seg", of="em")
SAMPLES = {
    "image": IMAGE,
    "labels of their own": Sample(Kind.LABELS, dtype="uint64", name="seg"),
    "anisotropic": Sample(shape=(17, 300, 301), voxel_size=VoxelSize(40, 4, 4)),
    "channels": Sample(shape=(2, 67, 67, 67), axes=tuple("czyx"), dtype="uint16"),
    "time": Sample(shape=(2, 1, 67, 67, 67), axes=tuple("tczyx"), dtype="float32"),
}


def attributes(dataset: Dataset, key: str = "zarr.json") -> dict[str, Any]:
    document: dict[str, Any] = json.loads(store.read(dataset.url / key).body)
    assert document["zarr_format"] == 3
    assert document["node_type"] == "group"
    return dict(document["attributes"])


def official(name: str) -> Draft202012Validator:
    """Return the official JSON Schema of NGFF 0.5 of that name."""
    documents = [json.loads(path.read_text()) for path in SCHEMAS.glob("*.schema")]
    registry: Registry[Any] = Registry().with_resources(
        (document["$id"], DRAFT202012.create_resource(document)) for document in documents
    )
    return Draft202012Validator({"$ref": f"{BASE}{name}.schema"}, registry=registry)


def check_with_models(url: StoreURL) -> None:
    ome_zarr_models.open_ome_zarr(zarr.open_group(as_zarr(url), mode="r"))
    if url.is_local:  # else it takes the address of public data alone
        yaozarrs.validate_zarr_store(str(url))


@pytest.fixture(params=SAMPLES)
def dataset(request: pytest.FixtureRequest, lake: StoreURL) -> Dataset:
    return create(lake, SAMPLES[request.param])


@pytest.fixture
def image(lake: StoreURL) -> Dataset:
    """An image with labels."""
    created = create(lake, IMAGE)
    create(lake, LABELS)
    return created


def test_documents_pass_the_official_schema(dataset: Dataset) -> None:
    found = attributes(dataset)
    official("ome_zarr").validate(found)
    official("strict_image").validate(found)
    if dataset.kind is Kind.LABELS:
        official("label").validate(found)


def test_groups_pass_the_model_libraries(dataset: Dataset) -> None:
    check_with_models(dataset.url)


def test_our_own_validator_finds_nothing(dataset: Dataset) -> None:
    assert validate_dataset(dataset.url) == []


def test_labels_of_an_image_pass_everything(image: Dataset) -> None:
    official("image").validate(attributes(image))
    official("label").validate(attributes(image, "labels/seg/zarr.json"))
    labels = attributes(image, "labels/zarr.json")
    # There is no schema for this group; the specification asks for these two.
    assert labels["ome"] == {"version": "0.5", "labels": ["seg"]}
    source = attributes(image, "labels/seg/zarr.json")["ome"]["image-label"]["source"]["image"]
    assert source == "../../"
    for folder in ("", "labels", "labels/seg"):
        check_with_models(image.url / folder)
    assert validate_dataset(image.url) == []


@pytest.mark.folder
@pytest.mark.parametrize("tool", ["ome-zarr-models", "yaozarrs"])
def test_the_command_lines_of_the_model_libraries_agree(tool: str, image: Dataset) -> None:
    command = Path(sys.executable).with_name(tool)
    for folder in (image.url.path, image.url.path / "labels" / "seg"):
        done = subprocess.run([command, "validate", folder], check=True, capture_output=True)
        assert b"Valid" in done.stdout


def test_the_schema_can_fail(image: Dataset) -> None:
    found = attributes(image)
    del found["ome"]["multiscales"][0]["axes"]
    assert not official("image").is_valid(found)


def test_arrays_say_what_the_format_page_says(image: Dataset) -> None:
    document = json.loads(store.read(image.url / "0" / "zarr.json").body)
    assert document["dimension_names"] == ["z", "y", "x"]
    [sharding] = document["codecs"]
    configuration = sharding["configuration"]
    assert configuration["index_location"] == "end"
    assert [codec["name"] for codec in configuration["codecs"]] == ["bytes", "zstd"]
    assert configuration["codecs"][1]["configuration"] == {"level": 1, "checksum": True}
    assert [codec["name"] for codec in configuration["index_codecs"]] == ["bytes", "crc32c"]


def test_a_new_dataset_can_be_read_before_it_is_filled(any_store: StoreURL) -> None:
    volume = create(any_store, IMAGE).level(1)
    voxels = volume.read(volume.box).result()
    assert voxels.shape == volume.shape
    assert not voxels.any()


def test_creating_twice_changes_nothing(any_store: StoreURL) -> None:
    def objects() -> dict[str, bytes]:
        return {str(found.url): store.read(found.url).body for found in store.walk(any_store)}

    create(any_store, IMAGE)
    create(any_store, LABELS)
    before = objects()
    create(any_store, IMAGE)
    create(any_store, LABELS)
    assert objects() == before


def test_something_else_is_never_overwritten(lake: StoreURL) -> None:
    dataset = create(lake, IMAGE)
    with pytest.raises(ConflictError, match="another name"):
        create(lake, Sample(shape=(99, 99, 99)))
    assert open_dataset(dataset.url).level(0).shape == IMAGE.shape


def test_labels_are_put_on_the_list_and_taken_off_it(lake: StoreURL, image: Dataset) -> None:
    create(lake, Sample(Kind.LABELS, dtype="uint64", name="cells", of="em"))
    assert read_labels_names(image.url) == ["cells", "seg"]
    place = Place(DatasetName("lab", "brain", "seg"), Kind.LABELS, "em")
    list_labels(lake, place, listed=False)
    list_labels(lake, place, listed=False)
    assert read_labels_names(image.url) == ["cells"]


@pytest.mark.parametrize("job", [None, "01M8G576FYT54F22PC7N1TNA47"])
def test_a_pyramid_of_strides_that_was_begun_before_is_gone_on_with(
    lake: StoreURL, job: str | None
) -> None:
    """Its levels were said to lie in the middle of their blocks, and keep that."""
    place = Place(DatasetName("a", "b", "em"), Kind.IMAGE)
    extent = Extent((8, 8, 8), tuple("zyx"), VoxelSize(4, 4, 4))

    def new(extent: Extent, reduction: Reduction) -> NewDataset:
        levels = plan_levels_by(Kind.IMAGE, extent, ((2, 2, 2),))
        return NewDataset(place, extent.axes, "nanometer", np.dtype("u1"), levels, reduction)

    url = create_dataset(lake, new(extent, Reduction.STRIDE), job)
    create_dataset(lake, new(replace(extent, centred=False), Reduction.STRIDE), job)
    assert open_dataset(url).multiscale.levels[1].translation == (2.0, 2.0, 2.0)
    with pytest.raises(ConflictError):
        create_dataset(lake, new(replace(extent, translation=(1.0, 0, 0)), Reduction.STRIDE), job)
