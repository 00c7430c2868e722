"""What is registered in place, through the gateway; and records that lead where none may."""

from __future__ import annotations

import io
import json
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import ngff_zarr
import numpy as np
import pytest
import zarr
from tests.api.conftest import TOKEN, Served, run_app
from tests.api.lakes import Sample, Voxels, add_sample, label_voxels
from tests.servers.canary import hostile_addresses, run_canary, run_redirecting
from tests.servers.web import run_web

from voxlake.api.app import create_app
from voxlake.api.identity.local import LocalIdentity
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.making.registering import register
from voxlake.platform.catalog import DatasetRecord, DatasetState, open_catalog
from voxlake.platform.errors import UnsupportedError
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

# Of the library that writes images, about itself.
pytestmark = pytest.mark.filterwarnings("ignore:Setting the shape:DeprecationWarning")

EM = DatasetName.parse("lab/far/em")
CELLS = EM.sibling("cells")
SHAPE = (20, 33, 37)
VOXELS = np.random.default_rng(0).integers(0, 256, SHAPE, np.uint8)
QUESTIONS = (
    "/v2/datasets/{}",
    "/v2/datasets/{}/cutout?z=0&y=0&x=0&format=npy",
    "/zarr/{}/",
    "/zarr/{}/.zattrs",
    "/zarr/{}/zarr.json",
    "/zarr/{}/0/0/0/0",
    "/v2/datasets/{}/neuroglancer",
)


@pytest.fixture
def far(tmp_path: Path) -> Path:
    """A folder with an image of zarr v2 that another program wrote, and labels of another lake."""
    folder = tmp_path / "far"
    image = ngff_zarr.to_ngff_image(
        VOXELS, dims=("z", "y", "x"), scale=dict.fromkeys("zyx", 10.0), name="em"
    )
    levels = ngff_zarr.to_multiscales(image, scale_factors=[2])
    ngff_zarr.to_ome_zarr(str(folder / "em.zarr"), levels, version="0.4")
    theirs = StoreURL.parse(str(folder))
    with open_catalog(theirs, Settings(database_url=None)) as catalog:
        add_sample(theirs, catalog, Sample(str(CELLS), label_voxels(SHAPE), Kind.LABELS))
    return folder


@contextmanager
def serve(lake: StoreURL, settings: Settings, wheres: dict[DatasetName, str]) -> Iterator[Served]:
    """Serve a lake of what is registered in place."""
    voxels: dict[str, Voxels] = {}
    with open_catalog(lake, settings) as catalog:
        for name, where in wheres.items():
            register(lake, catalog, settings, where, name)
        identity = LocalIdentity(TOKEN, "voxlake-session-test")
        app = create_app(settings, lake, catalog, identity)
        with run_app(app) as url:
            yield Served(url, lake, catalog, app, identity, voxels)


@contextmanager
def in_folder(far: Path) -> Iterator[str]:
    """Yield the folder itself."""
    yield str(far)


@contextmanager
def on_web(far: Path) -> Iterator[str]:
    """Yield the address of a web server of the folder."""
    with run_web(far) as web:
        yield web.address


@pytest.mark.parametrize("store", [in_folder, on_web])
def test_what_lies_elsewhere_is_served_as_it_lies(
    lake: StoreURL, far: Path, store: Callable[[Path], AbstractContextManager[str]]
) -> None:
    with store(far) as address:
        wheres = {EM: f"{address}/em.zarr", CELLS: f"{address}/{CELLS}.ome.zarr"}
        settings = Settings(allowed_stores=(address,))
        with serve(lake, settings, wheres) as served, served.client(owner=True) as client:
            document = client.get(f"/v2/datasets/{EM}").json()
            assert (document["read_only"], document["ngff_version"]) == (True, "0.4")
            cut = client.get(
                f"/v2/datasets/{EM}/cutout",
                params={"z": "1:9", "y": "2:20", "x": "3:30", "format": "npy"},
            )
            assert np.array_equal(np.load(io.BytesIO(cut.content)), VOXELS[1:9, 2:20, 3:30])
            refused = client.put(f"/v2/datasets/{EM}/cutout?z=1:3&fill=1")
            assert (refused.status_code, "never written to" in refused.text) == (400, True)
            stored = (far / "em.zarr/.zattrs").read_bytes()
            assert client.get(f"/zarr/{EM}/.zattrs").content == stored
            auth = {"headers": {"Authorization": f"Bearer {TOKEN}"}}
            array = zarr.open_array(served.zarr(str(EM), "scale0/em"), storage_options=auth)
            assert np.array_equal(np.asarray(array[...]), VOXELS)
            assert str(EM) in client.get(f"/v2/datasets/{EM}/neuroglancer").text
            listed = client.get(f"/v2/datasets/{CELLS}/labels").json()
            ids = np.unique(label_voxels(SHAPE)).tolist()
            assert listed["labels"] == [str(label) for label in ids if label]


def test_administrators_register_and_nobody_else(lake: StoreURL, far: Path) -> None:
    settings = Settings(allowed_stores=(str(far),))
    asked = {"name": str(EM), "url": f"{far}/em.zarr"}
    with serve(lake, settings, {}) as served:
        served.catalog.people.add_user("ann")
        _, token = served.catalog.tokens.make("ann", "test")
        with served.client() as client:
            assert client.post("/v2/datasets", json=asked).status_code == 401
            client.headers["Authorization"] = f"Bearer {token}"
            assert client.post("/v2/datasets", json=asked).status_code == 403
        assert served.catalog.list_datasets() == []
        with served.client(owner=True) as client:
            made = client.post("/v2/datasets", json=asked)
            assert (made.status_code, made.json()["read_only"]) == (200, True), made.text
            assert made.json()["public"] is False
            assert client.get(f"/v2/datasets/{EM}").json()["shape"] == list(SHAPE)
            again = client.post("/v2/datasets", json=asked | {"name": "lab/far/again"})
            assert again.status_code == 409
            none = client.post("/v2/datasets", json=asked | {"url": f"{far}/none.zarr"})
            assert none.status_code == 404


@pytest.mark.parametrize(
    ("said", "other", "named"),
    [
        ('"name": "z"', '"name": "t"', "voxlake needs z, y and x"),
        ('"type": "space"', '"type": "space", "unit": "pixel"', "not a known unit"),
    ],
)
def test_what_has_no_place_in_space_is_not_registered(
    lake: StoreURL, far: Path, said: str, other: str, named: str
) -> None:
    document = far / "em.zarr/.zattrs"
    text = json.dumps(json.loads(document.read_text()))
    assert said in text
    document.write_text(text.replace(said, other))
    settings = Settings(allowed_stores=(str(far),))
    with open_catalog(lake, settings) as catalog:
        with pytest.raises(UnsupportedError, match=named):
            register(lake, catalog, settings, f"{far}/em.zarr", EM)
        assert catalog.list_datasets() == []


def test_addresses_that_lead_elsewhere_are_not_registered(lake: StoreURL) -> None:
    settings = Settings(allowed_stores=("https://lab.org",))
    with run_canary() as canary, serve(lake, settings, {}) as served:
        with served.client(owner=True) as client:
            for address in hostile_addresses(canary.port):
                answer = client.post("/v2/datasets", json={"name": str(EM), "url": address})
                assert answer.status_code in {400, 403}, (address, answer.text)
        assert served.catalog.list_datasets() == []
        assert canary.hits == []


def add_record(served: Served, name: DatasetName, url: str) -> None:
    """Put a record into the catalog by hand."""
    record = DatasetRecord(
        name, "image", None, url, DatasetState.READY, public=True, created_at=datetime.now(UTC)
    )
    served.catalog.add_dataset(record)


def test_records_that_lead_elsewhere_are_not_followed(lake: StoreURL) -> None:
    settings = Settings(allowed_stores=("https://lab.org",))
    with run_canary() as canary, serve(lake, settings, {}) as served, served.client() as client:
        for number, address in enumerate(hostile_addresses(canary.port)):
            name = EM.sibling(f"em{number}")
            add_record(served, name, address)
            for question in QUESTIONS:
                answer = client.get(question.format(name))
                assert answer.status_code in {400, 403, 404}, (address, question, answer.text)
        assert canary.hits == []


def test_a_store_that_turns_away_is_not_followed(lake: StoreURL) -> None:
    with run_canary() as canary, run_redirecting(canary.port) as address:
        settings = Settings(allowed_stores=(address, f"s3://open?endpoint={address}"))
        with serve(lake, settings, {}) as served, served.client() as client:
            for number, url in enumerate((f"{address}/em", f"s3://open/em?endpoint={address}")):
                add_record(served, EM.sibling(f"em{number}"), url)
                for question in QUESTIONS:
                    answer = client.get(question.format(EM.sibling(f"em{number}")))
                    assert answer.status_code >= 400, (question, answer.text)
        assert canary.hits == []
