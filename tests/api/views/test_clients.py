"""The clients of the field read the gateway's stored bytes, equal to the source."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorstore as ts
import zarr
from tests.api.conftest import TOKEN, Served

PUBLIC = ["lab/brain/em", "lab/brain/cells", "lab/light/dyes"]
OWNER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.mark.parametrize("name", PUBLIC)
def test_zarr_python(served: Served, name: str) -> None:
    array = zarr.open_array(served.zarr(name, "0"), mode="r", zarr_format=3)
    np.testing.assert_array_equal(array[...], served.voxels[name])
    group = zarr.open_group(served.zarr(name), mode="r", zarr_format=3)
    assert group.attrs["ome"]["version"] == "0.5"  # type: ignore[index,call-overload]  # JSON


def test_zarr_python_with_the_owners_token(served: Served) -> None:
    options = {"headers": OWNER}
    url = served.zarr("lab/brain/secret", "0")
    array: Any = zarr.open_array(url, mode="r", zarr_format=3, storage_options=options)
    np.testing.assert_array_equal(
        array[3:40, 5:, :33], served.voxels["lab/brain/secret"][3:40, 5:, :33]
    )


@pytest.mark.parametrize("name", [*PUBLIC, "lab/brain/secret"])
def test_tensorstore(served: Served, name: str) -> None:
    spec = {
        "driver": "zarr3",
        "kvstore": {
            "driver": "http",
            "base_url": served.zarr(name, "0/"),
            "headers": [f"{key}: {value}" for key, value in OWNER.items()],
        },
    }
    array = ts.open(spec, open=True).result()
    np.testing.assert_array_equal(array.read().result(), served.voxels[name])


@pytest.mark.parametrize("name", PUBLIC)
def test_xarray(served: Served, name: str) -> None:
    import xarray as xr

    opened = xr.open_dataset(
        served.zarr(name),
        engine="zarr",
        consolidated=False,
        zarr_format=3,
        drop_variables=["1"],
        chunks={},
    )
    assert opened["0"].dims[-3:] == ("z", "y", "x")
    np.testing.assert_array_equal(opened["0"].values, served.voxels[name])


@pytest.mark.parametrize("name", PUBLIC)
def test_dask(served: Served, name: str) -> None:
    import dask
    import dask.array as da

    array = zarr.open_array(served.zarr(name, "0"), mode="r", zarr_format=3)
    lazy: Any = da.from_array(array, chunks=array.shards)  # type: ignore[no-untyped-call]
    with dask.config.set(scheduler="threads", num_workers=2):
        np.testing.assert_array_equal(lazy.compute(), served.voxels[name])


def test_ome_zarr(served: Served) -> None:
    from ome_zarr.io import parse_url
    from ome_zarr.reader import Reader

    location = parse_url(served.zarr("lab/brain/em"))
    assert location is not None
    nodes = {str(node.zarr): node for node in Reader(location)()}
    for name, key in (("em", ""), ("cells", "/labels/cells")):
        image = nodes[f"{served.url}/zarr/lab/brain/em{key}/ [zgroup]"]
        np.testing.assert_array_equal(np.asarray(image.data[0]), served.voxels[f"lab/brain/{name}"])
    # The private labels are not listed to a client without credentials.
    assert not any("draft" in key for key in nodes)


@pytest.mark.parametrize(
    ("address", "image"),
    [("lab/brain/em/labels/cells", "lab/brain/em"), ("lab/brain/cells", None)],
)
def test_ome_zarr_opens_labels_at_an_address_of_theirs(
    served: Served, address: str, image: str | None
) -> None:
    """It looks for their image two folders above, which is in the collection by their own name."""
    from ome_zarr.io import parse_url
    from ome_zarr.reader import Label, Reader

    location = parse_url(served.zarr(address))
    assert location is not None
    nodes = {str(node.zarr): node for node in Reader(location)()}
    labels = nodes[f"{served.zarr(address)} [zgroup]"]
    assert labels.first(Label) is not None
    np.testing.assert_array_equal(np.asarray(labels.data[0]), served.voxels["lab/brain/cells"])
    if image:
        found = nodes[f"{served.zarr(image)} [zgroup]"]
        np.testing.assert_array_equal(np.asarray(found.data[0]), served.voxels[image])


@pytest.mark.parametrize("collection", ["lab", "nobody", "n%C3%B6"])
def test_above_datasets_is_no_group_for_anybody(served: Served, collection: str) -> None:
    with served.client() as anonymous, served.client(owner=True) as owner:
        for document in ("zarr.json", ".zgroup", ".zattrs", ".zmetadata"):
            address = f"/zarr/{collection}/{document}"
            answers = [
                getattr(client, method)(address).status_code
                for client in (anonymous, owner)
                for method in ("get", "head")
            ]
            assert answers == [404] * 4
        assert anonymous.get(f"/zarr/{collection}/other.json").status_code == 401


def test_ngff_zarr(served: Served) -> None:
    import ngff_zarr

    multiscales = ngff_zarr.from_ngff_zarr(served.zarr("lab/brain/em"))
    image = multiscales.images[0]
    np.testing.assert_array_equal(np.asarray(image.data), served.voxels["lab/brain/em"])
    assert image.scale == {"z": 40.0, "y": 10.0, "x": 10.0}
