"""Datasets that were renamed, published or are being deleted, through the gateway."""

from __future__ import annotations

import io
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pytest
import zarr
from tests.api.conftest import TOKEN, Served, run_app
from tests.api.lakes import Sample, add_sample, image_voxels, label_voxels

from voxlake.api import gateway
from voxlake.api.app import create_app
from voxlake.api.identity.local import LocalIdentity
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.lake import Place
from voxlake.ngff.making.create import remove_dataset
from voxlake.platform.catalog import DatasetState, open_catalog
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.platform.store import StoreURL

SHAPE = (5, 6, 7)
EM = DatasetName.parse("lab/brain/em")
CELLS = EM.sibling("cells")


@pytest.fixture
def own(lake: StoreURL, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A gateway that looks into its catalog for every request."""
    monkeypatch.setattr("voxlake.api.app.RECORD_SECONDS", gateway.RECORD_SECONDS * 0)
    with _serve(lake) as served:
        yield served


@pytest.fixture
def late(any_store: StoreURL, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A gateway that hears of nothing that happens in its catalog."""
    monkeypatch.setattr("voxlake.api.app.RECORD_SECONDS", gateway.RECORD_SECONDS * 3600)
    with _serve(any_store) as served:
        yield served


@contextmanager
def _serve(lake: StoreURL) -> Iterator[Served]:
    samples = [
        Sample(str(EM), image_voxels(SHAPE), public=True),
        Sample(str(CELLS), label_voxels(SHAPE), Kind.LABELS, of="em", public=True),
    ]
    with open_catalog(lake, Settings()) as catalog:
        for sample in samples:
            add_sample(lake, catalog, sample)
        identity = LocalIdentity(TOKEN, "voxlake-session-test")
        app = create_app(Settings(), lake, catalog, identity)
        with run_app(app) as url:
            voxels = {sample.name: sample.voxels for sample in samples}
            yield Served(url, lake, catalog, app, identity, voxels)


@pytest.mark.parametrize("to", ["lab/brain/raw", "zoo/fish/raw"])
def test_the_new_name_answers_and_the_old_one_does_not(own: Served, to: str) -> None:
    raw = DatasetName.parse(to)
    with own.client(owner=True) as client:
        assert client.get(f"/v2/datasets/{EM}").is_success
        own.catalog.move_dataset(EM, raw)
        own.catalog.move_dataset(raw.sibling("cells"), raw.sibling("nuclei"))
        names = [each["name"] for each in client.get("/v2/datasets").json()["datasets"]]
        assert names == sorted([str(raw), str(raw.sibling("nuclei"))])
        for old in (EM, CELLS, raw.sibling("cells")):
            assert client.get(f"/v2/datasets/{old}").status_code == 404
            assert client.get(f"/zarr/{old}/zarr.json").status_code == 404
        assert client.get(f"/zarr/{raw}/labels/cells/zarr.json").status_code == 404
        listed = client.get(f"/zarr/{raw}/labels/zarr.json").json()
        assert listed["attributes"]["ome"]["labels"] == ["nuclei"]
        assert 'href="nuclei/"' in client.get(f"/zarr/{raw}/labels/").text
    for key, name in (("0", EM), ("labels/nuclei/0", CELLS)):
        array = zarr.open_array(own.zarr(str(raw), key), mode="r")
        assert np.array_equal(array[:], own.voxels[str(name)])


def test_what_is_being_deleted_is_not_there_for_anybody(own: Served) -> None:
    own.catalog.set_dataset_state(CELLS, DatasetState.REMOVING)
    with own.client(owner=True) as client:
        assert client.get(f"/v2/datasets/{CELLS}").status_code == 404
        assert client.get(f"/zarr/{EM}/labels/cells/0/zarr.json").status_code == 404
        names = [each["name"] for each in client.get("/v2/datasets").json()["datasets"]]
        listed = client.get(f"/zarr/{EM}/labels/zarr.json").json()
        # Clients that have it open take 404 for a shard of fill.
        assert client.get(f"/zarr/{EM}/labels/cells/0/c/0/0/0").status_code == 409
        assert client.get(f"/zarr/{CELLS}/0/c/0/0/0").status_code == 409
    assert names == [str(EM)]
    assert listed["attributes"]["ome"]["labels"] == []


def test_what_is_deleted_meanwhile_is_never_fill(late: Served) -> None:
    cutout = f"/v2/datasets/{CELLS}/cutout?format=npy"
    array = zarr.open_array(late.zarr(str(CELLS), "0"), mode="r")
    with late.client() as client:
        body = client.get(cutout).content
        assert np.array_equal(np.load(io.BytesIO(body)), late.voxels[str(CELLS)])
        assert client.get(f"/zarr/{CELLS}/0/c/9/9/9").status_code == 404  # of fill, if at all
        remove_dataset(late.lake, Place(CELLS, Kind.LABELS, of="em"))
        for path in (cutout, f"/zarr/{CELLS}/0/c/0/0/0", f"/v2/datasets/{CELLS}/labels/1"):
            answer = client.get(path)
            assert answer.status_code == 409, (path, answer.text)
        assert client.get(f"/zarr/{CELLS}/0/zarr.json").status_code == 404
        with pytest.raises(Exception, match="409"):
            array[...]


def test_publishing_holds_at_once_for_one_dataset_alone(own: Served) -> None:
    with own.client() as client:
        for public in (False, True):
            own.catalog.set_public(CELLS, public=public)
            assert client.get(f"/v2/datasets/{CELLS}").status_code == (200 if public else 401)
            assert client.get(f"/v2/datasets/{EM}").status_code == 200
