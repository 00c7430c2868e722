"""``POST /v2/datasets/...``: a dataset without voxels is there at once, and takes writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.api.conftest import TOKEN, Served, run_app

from voxlake.api.app import create_app
from voxlake.api.identity.local import LocalIdentity
from voxlake.client import Gateway
from voxlake.ngff.dataset import open_dataset
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.grid.pyramid import Extent
from voxlake.ngff.making.empty import EVERYTHING, EmptyDataset, make_empty
from voxlake.platform.access import Role
from voxlake.platform.catalog import open_catalog
from voxlake.platform.errors import ConflictError
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from voxlake.platform.store import StoreURL

AT = "/v2/datasets/lab/brain"
UPLOADS = "/v2/uploads/lab/brain"
IMAGE = {"kind": "image", "dtype": "uint16", "shape": [9, 20, 30], "voxel_size": [40, 4, 4]}
LABELS = {"kind": "labels", "shape": [9, 20, 30], "voxel_size": [40, 4, 4]}


@pytest.fixture
def own(lake: StoreURL) -> Iterator[Served]:
    """A gateway of a lake with an experiment."""
    with open_catalog(lake, Settings()) as catalog:
        for place in (["lab"], ["lab", "brain"]):
            catalog.collections.add(place)
        identity = LocalIdentity(TOKEN, "voxlake-session-test")
        app = create_app(Settings(), lake, catalog, identity)
        with run_app(app) as url:
            yield Served(url, lake, catalog, app, identity, {})


@pytest.fixture
def client(own: Served) -> Iterator[httpx2.Client]:
    with own.client(owner=True) as client:
        yield client


@pytest.mark.parametrize("asked", [IMAGE, LABELS], ids=["image", "labels"])
def test_it_is_there_at_once(client: httpx2.Client, asked: dict[str, Any]) -> None:
    # Its absence may be remembered for a while.
    assert client.get(f"{AT}/new").status_code == 404
    made = client.post(f"{AT}/new", json=asked | {"description": "zeros"})
    assert made.status_code == 200, made.text
    assert (
        made.json().items() >= {"state": "ready", "public": False, "description": "zeros"}.items()
    )
    cutout = f"{AT}/new/cutout"
    whole = client.get(cutout, params={"format": "raw"})
    assert (whole.status_code, any(whole.content)) == (200, False)
    dtype = asked.get("dtype", "uint64")
    voxels = np.arange(1, 2 * 3 * 4 + 1, dtype=dtype).reshape(2, 3, 4)
    box = {"z": "1:3", "y": "4:7", "x": "5:9"}
    headers = {"content-type": "application/octet-stream"}
    put = client.put(cutout, params=box, content=voxels.tobytes(), headers=headers)
    assert put.status_code == 200, put.text
    assert client.get(cutout, params=box | {"format": "raw"}).content == voxels.tobytes()
    told = client.get(f"{AT}/new").json()
    assert (told["shape"], told["stale"]["boxes"]) == ([9, 20, 30], 1)
    if asked is LABELS:
        assert client.get(f"{AT}/new/labels/7").json()["voxels"] == 1


def test_nothing_is_written_to_the_one_before(
    client: httpx2.Client, own: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another worker of the gateway deleted it, and made one of its name."""
    monkeypatch.setattr(own.app.state.gateway.records, "seconds", 3600.0)
    assert client.post(f"{AT}/em", json=IMAGE).is_success
    assert client.get(f"{AT}/em").json()["shape"] == IMAGE["shape"]
    name = DatasetName.parse("lab/brain/em")
    own.catalog.deletion.begin(name, EVERYTHING)
    extent = Extent((5, 6, 7), ("z", "y", "x"), VoxelSize(40, 4, 4))
    make_empty(own.lake, own.catalog, EmptyDataset(name, Kind.IMAGE, "uint16", extent))
    box = {"z": "0:5", "y": "0:6", "x": "0:7"}
    voxels = np.ones((5, 6, 7), np.uint16).tobytes()
    headers = {"content-type": "application/octet-stream"}
    assert client.put(f"{AT}/em/cutout", params=box, content=voxels, headers=headers).is_success
    there = open_dataset(own.lake / own.catalog.get_dataset(name).url).level(0)
    assert there.read(there.box).result().tobytes() == voxels


def test_what_is_refused(own: Served, client: httpx2.Client) -> None:
    assert client.post(f"{AT}/em", json=IMAGE).status_code == 200
    cells = {"kind": "labels", "of": "em"}
    for name, asked, status in [
        ("em", IMAGE, 409),
        ("bad name", IMAGE, 400),
        ("x", IMAGE | {"unknown": 1}, 400),
        ("x", IMAGE | {"shape": [1, 0, 1]}, 400),
        ("x", IMAGE | {"shape": [1, 1]}, 400),
        ("x", IMAGE | {"unit": "parsnip"}, 400),
        ("x", IMAGE | {"dtype": "uint64"}, 400),
        ("x", {"kind": "image", "dtype": "uint8"}, 400),
        ("x", IMAGE | {"shape": [1, 1, (1 << 62) + 1]}, 400),
        ("x", IMAGE | {"time_step": 1}, 400),
        ("x", IMAGE | {"time_unit": "second"}, 400),
        ("x", cells | {"of": "none"}, 404),
        ("x", cells | {"shape": [9, 20, 31]}, 400),
        ("x", cells | {"voxel_size": [40, 4, 4]}, 400),
        ("x", cells | {"axes": ["t", "z", "y", "x"]}, 400),
        ("x", cells | {"translation": [1, 0, 0]}, 400),
        ("x", cells | {"time_step": 1}, 400),
        ("x", cells | {"levels": 1}, 400),
        ("x", cells | {"shape": [9, 20, 30]}, 200),
    ]:
        for at in (AT, UPLOADS) if status == 400 else (AT,):
            answer = client.post(f"{at}/{name}", json=asked)
            assert answer.status_code == status, (name, asked, answer.text)
    assert {str(each.name) for each in own.catalog.list_datasets()} == {
        "lab/brain/em",
        "lab/brain/x",
    }
    assert client.post("/v2/datasets/lab/none/em", json=IMAGE).status_code == 404


def test_a_vast_one_costs_nothing_and_is_no_upload(own: Served, client: httpx2.Client) -> None:
    vast = IMAGE | {"shape": [1 << 21, 1 << 21, 1 << 21]}
    assert client.post(f"{UPLOADS}/em", json=vast).status_code == 413
    assert own.catalog.list_datasets() == []
    assert client.post(f"{AT}/em", json=vast).status_code == 200
    labels = client.post(f"{UPLOADS}/cells", json={"kind": "labels", "of": "em"})
    assert labels.status_code == 413
    assert client.get("/v2/jobs").json()["jobs"] == []


def test_whoever_makes_it_owns_it(own: Served) -> None:
    own.catalog.people.add_user("ada")
    own.catalog.shares.share(["lab", "brain"], "ada", Role.EDITOR)
    _, secret = own.catalog.tokens.make("ada", "x")
    with own.client() as ada:
        ada.headers["Authorization"] = f"Bearer {secret}"
        assert ada.post(f"{AT}/mine", json=IMAGE).status_code == 200
        assert ada.delete(f"{AT}/mine").status_code == 202


def test_by_the_client(own: Served) -> None:
    with Gateway(own.url, TOKEN) as gateway:
        made = gateway.create(
            "lab/brain/em", "image", dtype=np.uint16, shape=(9, 20, 30), voxel_size=(40, 4, 4)
        )
        assert (made.name, made.state) == ("lab/brain/em", "ready")
        cells = gateway.create("lab/brain/cells", "labels", of="em", description="cells")
        assert (cells.of, cells.description) == ("lab/brain/em", "cells")
        voxels = np.full((9, 20, 30), 5, np.uint16)
        gateway.write("lab/brain/em", None, voxels)
        assert np.array_equal(gateway.cutout("lab/brain/em"), voxels)
        with pytest.raises(ConflictError, match="exists"):
            gateway.create("lab/brain/cells", "labels", of="em")
