"""The libraries of the field open the store and see the source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dask.array as da
import ngff_zarr
import numpy as np
import pytest
import tensorstore as ts
import xarray as xr
import zarr
from ngio import open_ome_zarr_container
from ome_zarr.io import parse_url
from ome_zarr.reader import Reader
from tests.ngff.datasets import Sample, create, fill
from tests.readers.zarrita import as_zarrita, read_by_zarrita

from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.layout import Kind
from voxlake.platform.store import as_tensorstore, as_zarr

if TYPE_CHECKING:
    from tests.ngff.datasets import Voxels

    from voxlake.ngff.dataset import Dataset
    from voxlake.platform.store import StoreURL

IMAGE = Sample()
LABELS = Sample(Kind.LABELS, dtype="uint64", name="seg", of="em")
SAMPLES = {
    "u8": IMAGE,
    "u16": Sample(dtype="uint16"),
    "f32": Sample(dtype="float32"),
    "labels": Sample(Kind.LABELS, dtype="uint64"),
    "anisotropic": Sample(shape=(17, 139, 149), voxel_size=VoxelSize(40, 4, 4)),
    "czyx": Sample(shape=(2, 37, 67, 71), axes=tuple("czyx")),
}


@pytest.fixture(params=SAMPLES)
def sample(request: pytest.FixtureRequest) -> Sample:
    return SAMPLES[request.param]


@pytest.fixture
def dataset(lake: StoreURL, sample: Sample) -> Dataset:
    return create(lake, sample)


@pytest.fixture
def levels(dataset: Dataset, sample: Sample) -> list[Voxels]:
    """The voxels of every level, written."""
    found = fill(dataset, sample)
    assert len(found) > 1
    return found


def test_voxlake(dataset: Dataset, levels: list[Voxels]) -> None:
    assert dataset.levels == len(levels)
    for number, voxels in enumerate(levels):
        volume = dataset.level(number)
        found = volume.read(volume.box).result()
        assert found.dtype == voxels.dtype
        assert found.flags.c_contiguous
        np.testing.assert_array_equal(found, voxels)


def test_zarr(dataset: Dataset, levels: list[Voxels], sample: Sample) -> None:
    group = zarr.open_group(as_zarr(dataset.url), mode="r")
    for number, voxels in enumerate(levels):
        array = group[str(number)]
        assert isinstance(array, zarr.Array)
        assert array.metadata.dimension_names == sample.axes  # type: ignore[union-attr]  # v3
        np.testing.assert_array_equal(array[:], voxels)


@pytest.mark.folder
def test_zarrs(dataset: Dataset, levels: list[Voxels]) -> None:
    with zarr.config.set({"codec_pipeline.path": "zarrs.ZarrsCodecPipeline"}):
        for number, voxels in enumerate(levels):
            array = zarr.open_array(str(dataset.level_url(number)), mode="r")
            assert type(array.async_array.codec_pipeline).__name__ == "ZarrsCodecPipeline"
            np.testing.assert_array_equal(array[:], voxels)


@pytest.mark.folder
def test_zarrita(dataset: Dataset, levels: list[Voxels]) -> None:
    address = str(dataset.url)
    assert read_by_zarrita([address]) == {address: as_zarrita(levels)}


def test_tensorstore(dataset: Dataset, levels: list[Voxels]) -> None:
    for number, voxels in enumerate(levels):
        kvstore = as_tensorstore(dataset.level_url(number))
        array = ts.open({"driver": "zarr3", "kvstore": kvstore}).result()
        np.testing.assert_array_equal(array.read().result(), voxels)


def test_xarray(dataset: Dataset, levels: list[Voxels], sample: Sample) -> None:
    others = [str(number) for number in range(1, len(levels))]
    found = xr.open_zarr(as_zarr(dataset.url), consolidated=False, drop_variables=others)["0"]
    assert found.dims == sample.axes
    np.testing.assert_array_equal(found.values, levels[0])


def test_dask(dataset: Dataset, levels: list[Voxels]) -> None:
    for number, voxels in enumerate(levels):
        array = da.from_zarr(zarr.open_array(as_zarr(dataset.level_url(number)), mode="r"))  # type: ignore[no-untyped-call]  # dask
        np.testing.assert_array_equal(np.asarray(array), voxels)


@pytest.mark.folder
def test_ome_zarr(dataset: Dataset, levels: list[Voxels], sample: Sample) -> None:
    location = parse_url(str(dataset.url))
    assert location is not None
    [node, *_] = Reader(location)()
    assert [axis["name"] for axis in node.metadata["axes"]] == list(sample.axes)
    assert len(node.data) == len(levels)
    for found, voxels in zip(node.data, levels, strict=True):
        np.testing.assert_array_equal(np.asarray(found), voxels)


@pytest.mark.folder
def test_ngff_zarr(dataset: Dataset, levels: list[Voxels], sample: Sample) -> None:
    found = ngff_zarr.from_ome_zarr(str(dataset.url), validate=True).images
    wanted = dataset.multiscale.levels
    assert len(found) == len(levels)
    for image, voxels, level in zip(found, levels, wanted, strict=True):
        assert tuple(image.dims) == sample.axes
        assert tuple(image.scale[axis] for axis in sample.axes) == level.scale
        assert tuple(image.translation[axis] for axis in sample.axes) == level.translation
        np.testing.assert_array_equal(np.asarray(image.data), voxels)


@pytest.mark.folder
def test_ngio(lake: StoreURL) -> None:
    image = create(lake, IMAGE)
    levels = fill(image, IMAGE)
    labels = fill(create(lake, LABELS), LABELS)
    container = open_ome_zarr_container(str(image.url), mode="r")
    assert container.list_labels() == ["seg"]
    for number, (voxels, ids) in enumerate(zip(levels, labels, strict=True)):
        found = container.get_image(path=str(number))
        assert found.pixel_size.zyx == image.multiscale.levels[number].scale
        np.testing.assert_array_equal(found.get_as_numpy(), voxels)
        np.testing.assert_array_equal(
            container.get_label("seg", path=str(number)).get_as_numpy(), ids
        )


@pytest.mark.folder
def test_labels_are_found_below_their_image(lake: StoreURL) -> None:
    image = create(lake, IMAGE)
    fill(image, IMAGE)
    voxels = fill(create(lake, LABELS), LABELS)[0]
    location = parse_url(str(image.url))
    assert location is not None
    found = {node.zarr.basename(): node for node in Reader(location)()}
    np.testing.assert_array_equal(np.asarray(found["seg"].data[0]), voxels)


def test_users_read_from_s3(s3_store: StoreURL) -> None:
    dataset = create(s3_store, IMAGE)
    voxels = fill(dataset, IMAGE)[0]
    endpoint = {"endpoint_url": s3_store.endpoint}
    found = xr.open_zarr(
        f"s3://{s3_store.root}/{dataset.url.key}",
        consolidated=False,
        drop_variables=[str(number) for number in range(1, dataset.levels)],
        storage_options={"client_kwargs": endpoint},
    )
    np.testing.assert_array_equal(found["0"].values, voxels)
    array = zarr.open_array(as_zarr(dataset.level_url(0)), mode="r")
    np.testing.assert_array_equal(array[:], voxels)
