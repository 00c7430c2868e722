"""Datasets as xarray, from a store and through a gateway, against the voxels they hold."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import zarr
from tests.api.conftest import SHAPE, TOKEN, VAST
from tests.api.lakes import Sample, add_sample, image_voxels, label_voxels

from voxlake.client import Gateway, Lake, open_levels, open_xarray
from voxlake.ngff.grid.box import Box
from voxlake.ngff.grid.layout import Kind
from voxlake.platform.catalog import open_catalog
from voxlake.platform.errors import (
    CorruptDataError,
    InvalidInputError,
    InvalidNameError,
    NotFoundError,
    OutOfBoundsError,
    UnauthenticatedError,
    UnsupportedError,
)
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.api.conftest import Served

    from voxlake.ngff.grid.ranges import Region

EM, CELLS, DYES = "lab/brain/em", "lab/brain/cells", "lab/light/dyes"

type Open = Callable[[str], tuple[str, str | None]]


@pytest.fixture(params=["store", "gateway"])
def find(request: pytest.FixtureRequest, served: Served) -> Open:
    """The address, and the token it takes, of a dataset on the store and at the gateway."""
    if request.param == "store":
        return lambda name: (Lake(served.lake).address(name), None)
    return lambda name: (f"{served.url}/zarr/{name}", TOKEN)


@pytest.mark.parametrize("name", [EM, CELLS, DYES, "lab/brain/secret", "lab/brain/alone"])
def test_voxels_are_those_that_were_stored(served: Served, find: Open, name: str) -> None:
    address, token = find(name)
    found = open_xarray(address, token=token)
    np.testing.assert_array_equal(found.values, served.voxels[name])
    assert found.dtype == served.voxels[name].dtype


def test_levels_lie_in_one_physical_frame(served: Served, find: Open) -> None:
    address, token = find(EM)
    fine, coarse = open_levels(address, token)
    assert (fine.dims, fine.name, fine.shape) == (("z", "y", "x"), "em", SHAPE)
    assert coarse.shape == (45, 34, 36)
    np.testing.assert_array_equal(fine.z, 40.0 * np.arange(45))
    np.testing.assert_array_equal(coarse.x, 5.0 + 20.0 * np.arange(36))
    # A coarse voxel lies amid the two fine ones along each axis that it stands for.
    assert coarse.y[3] == fine.y[6:8].mean()
    assert {fine[axis].attrs["units"] for axis in "zyx"} == {"nanometer"}


def test_attributes_tell_what_it_is(find: Open) -> None:
    address, token = find(CELLS)
    assert open_xarray(address, 1, token).attrs == {
        "kind": "labels",
        "level": 1,
        "voxel_size": [40.0, 20.0, 20.0],
        "ngff_version": "0.5",
        "address": address,
    }


def test_channels_are_numbered_and_have_no_unit(find: Open) -> None:
    address, token = find(DYES)
    found = open_xarray(address, token=token)
    assert found.dims == ("t", "c", "z", "y", "x")
    assert found.c.values.tolist() == [0, 1, 2]
    assert found.c.dtype.kind == "i"
    assert found.c.attrs == {}
    assert found.attrs["voxel_size"] == [40.0, 10.0, 10.0]


def test_dask_chunks_are_shards(find: Open) -> None:
    address, token = find(EM)
    assert open_xarray(address, token=token).chunks == ((32, 13), (32, 32, 3), (32, 32, 7))


def test_a_region_opens_what_dask_could_not_list(find: Open) -> None:
    address, token = find("lab/brain/vast")
    top = VAST[0]
    part = open_xarray(address, token=token, region=np.s_[1:2, 40:100, top - 5 :])
    assert part.chunks == ((1,), (24, 32, 4), (5,))
    assert part.x[-1] == 10.0 * (top - 1)
    assert part.sel(z=40.0, y=slice(400, 420), x=part.x[0]).values.tolist() == [0, 0, 0]


@pytest.mark.parametrize("region", [np.s_[3:40, 30:35, :], Box((0, 31, 32), (45, 33, 64))])
def test_a_region_is_the_same_voxels_at_the_same_places(find: Open, region: Region) -> None:
    address, token = find(EM)
    slices = region.slices if isinstance(region, Box) else region
    part = open_xarray(address, token=token, region=region)
    whole = open_xarray(address, token=token)
    assert part.identical(whole[slices])
    assert part[1:].compute().identical(whole[slices][1:].compute())


def test_a_region_outside_is_refused(find: Open) -> None:
    address, token = find(EM)
    with pytest.raises(OutOfBoundsError):
        open_xarray(address, token=token, region=np.s_[0:46, :, :])


INDICES = [
    np.s_[5, 3:40, ::-1],
    np.s_[::7, 60:2:-9, 0],
    np.s_[-1, [3, 60, 7], 4:4],
    np.s_[2:44, ::5, np.int64(-3)],
]


@pytest.mark.parametrize("index", INDICES)
def test_it_is_indexed_as_numpy_is(served: Served, find: Open, index: Any) -> None:
    address, token = find(EM)
    region = np.s_[1:45, 2:, :70]
    found = open_xarray(address, token=token, region=region)[index]
    np.testing.assert_array_equal(found.values, served.voxels[EM][region][index])


_LOOKING = """
import pickle, sys; from pathlib import Path
print(pickle.loads(Path(sys.argv[1]).read_bytes()).values.sum())
"""


def look_elsewhere(
    part: Any, path: Path, token: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Return what another process says of an array, which has the token of its environment."""
    path.write_bytes(pickle.dumps(part))
    return subprocess.run(
        [sys.executable, "-c", _LOOKING, str(path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=os.environ | token,
    )


@pytest.mark.parametrize("sent", [False, True])
def test_it_survives_the_way_to_another_process(
    served: Served, find: Open, tmp_path: Path, sent: bool
) -> None:
    address, token = find(EM)
    part = open_xarray(address, token=token, send_token=sent)[3:5, 30:40, 8]
    own = {} if sent else {"VOXLAKE_GATEWAY": served.url, "VOXLAKE_TOKEN": TOKEN}
    done = look_elsewhere(part, tmp_path / "part", own)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == served.voxels[EM][3:5, 30:40, 8].sum()


def test_a_token_stays_in_its_process_unless_it_is_sent(served: Served, tmp_path: Path) -> None:
    with Gateway(served.url, TOKEN) as gateway:
        arrays = [gateway[EM].dask(), *open_levels(gateway.address(EM), TOKEN)]
        sent = gateway[EM].dask(send_token=True)
    assert not [each for each in arrays if TOKEN.encode() in pickle.dumps(each)]
    assert TOKEN.encode() in pickle.dumps(sent)
    failed = look_elsewhere(arrays[1], tmp_path / "part", {})
    assert failed.returncode == 1
    assert "UnauthenticatedError: lab/brain/em of" in failed.stderr
    assert "set VOXLAKE_GATEWAY and VOXLAKE_TOKEN" in failed.stderr


def test_a_flipped_bit_is_an_error_and_no_voxel(tmp_path: Path) -> None:
    lake = StoreURL.parse(str(tmp_path / "lake"))
    with open_catalog(lake, Settings()) as catalog:
        url = add_sample(lake, catalog, Sample(EM, image_voxels((20, 20, 20)), levels=1))
    shard = url.path / "0" / "c" / "0" / "0" / "0"
    body = bytearray(shard.read_bytes())
    body[-7] ^= 1
    shard.write_bytes(bytes(body))
    with pytest.raises(Exception, match=r"(?i)checksum|zstd|decod"):
        open_xarray(str(url)).compute()


@pytest.mark.parametrize("level", [-1, 2])
def test_a_level_that_is_not_there(find: Open, level: int) -> None:
    address, token = find(EM)
    with pytest.raises(OutOfBoundsError, match="it has levels 0 to 1"):
        open_xarray(address, level, token)


def test_a_dataset_that_is_not_there(served: Served, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        open_xarray(f"{served.url}/zarr/lab/brain/none", token=TOKEN)
    with pytest.raises(NotFoundError):
        open_xarray(str(tmp_path / "none.ome.zarr"))
    with pytest.raises(NotFoundError, match="lab/brain/none"):
        Lake(served.lake).address("lab/brain/none")


def test_without_a_token_what_is_private_stays_so(served: Served) -> None:
    with pytest.raises(UnauthenticatedError):
        open_xarray(f"{served.url}/zarr/lab/brain/secret")
    assert open_xarray(f"{served.url}/zarr/{EM}/").shape == SHAPE


def test_addresses_that_mean_nothing(served: Served) -> None:
    with pytest.raises(InvalidInputError, match="no dataset of a gateway"):
        open_xarray(f"{served.url}/v2/datasets/{EM}")
    with pytest.raises(InvalidNameError):
        open_xarray(f"{served.url}/zarr/{EM}/labels/cells")
    with pytest.raises(InvalidInputError, match="no gateway"):
        open_xarray(Lake(served.lake).address(EM), token=TOKEN)


def test_a_zarr_array_is_no_dataset(tmp_path: Path) -> None:
    zarr.create_array(tmp_path / "plain.zarr", shape=(4,), chunks=(4,), dtype="u1")
    with pytest.raises(UnsupportedError):
        open_xarray(str(tmp_path / "plain.zarr"))
    (tmp_path / "plain.zarr" / "zarr.json").write_text("{")
    with pytest.raises(CorruptDataError):
        open_xarray(str(tmp_path / "plain.zarr"))


def test_the_client_alone_loads_neither_xarray_nor_dask() -> None:
    script = "import sys, voxlake.client; print({'xarray', 'dask', 'fastapi'} & set(sys.modules))"
    printed = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120
    )
    assert printed.stdout == "set()\n"


def test_every_kind_of_store(any_store: StoreURL) -> None:
    voxels = label_voxels((40, 35, 33))
    with open_catalog(any_store, Settings(database_url="sqlite://")) as catalog:
        add_sample(any_store, catalog, Sample("c/e/em", image_voxels((40, 35, 33))))
        add_sample(any_store, catalog, Sample("c/e/seg", voxels, Kind.LABELS, of="em"))
    lake = Lake.at(str(any_store))
    assert [(str(each.name), each.kind, each.of) for each in lake.datasets()] == [
        ("c/e/em", "image", None),
        ("c/e/seg", "labels", "em"),
    ]
    found = open_xarray(lake.address("c/e/seg"))
    np.testing.assert_array_equal(found.values, voxels)
    region = np.s_[:, 3:20, 30:]
    expected = np.unique(voxels[region])
    np.testing.assert_array_equal(lake.labels("c/e/seg", region), expected[expected > 0])
    label = int(expected[-1])
    places = np.argwhere(voxels == label)
    extent = lake.label("c/e/seg", label)
    assert (extent.label, extent.voxels) == (label, len(places))
    assert extent.box.start == tuple(places.min(0).tolist())
    assert extent.box.stop == tuple((places.max(0) + 1).tolist())
    with pytest.raises(OutOfBoundsError):
        lake.labels("c/e/seg", np.s_[:41, :, :])
