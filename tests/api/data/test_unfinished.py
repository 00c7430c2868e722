"""A dataset that is not whole is said to be so, wherever it is asked for."""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING

import httpx2
import numpy as np
import pytest
from tests.api.cli.conftest import command_on
from tests.api.conftest import TOKEN, run_app
from tests.api.lakes import Sample, add_sample, image_voxels, label_voxels

from voxlake.api.app import create_app
from voxlake.api.identity.local import LocalIdentity
from voxlake.api.views.neuroglancer import Layer, viewer_state
from voxlake.client import Gateway, open_levels, open_xarray
from voxlake.ngff.dataset import open_dataset
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.making.unfinished import Making
from voxlake.platform import store
from voxlake.platform.catalog import DatasetState, open_catalog
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from voxlake.platform.catalog import Catalog

STATES = {
    "lab/brain/em": DatasetState.READY,
    "lab/brain/half": DatasetState.INGESTING,
    "lab/brain/seg": DatasetState.FAILED,
}
HEADER = "X-Voxlake-State"


def unfinish(lake: StoreURL, catalog: Catalog, name: str, state: DatasetState) -> None:
    """Take a dataset back to what it is before its ingest has ended."""
    record = catalog.get_dataset(DatasetName.parse(name))
    catalog.set_dataset_state(record.name, state)
    url = lake / record.url
    document = json.loads(store.read(url / "zarr.json").body)
    store.delete(url / "zarr.json")
    Making(url, "01JAAAAAAAAAAAAAAAAAAAAAAA").begin(document)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[StoreURL, Catalog]]:
    """An image, half an image, and half the labels of the first."""
    url = StoreURL.parse(str(tmp_path_factory.mktemp("unfinished") / "lake"))
    with open_catalog(url, Settings()) as catalog:
        for name in ("lab/brain/em", "lab/brain/half"):
            add_sample(url, catalog, Sample(name, image_voxels((40, 35, 33)), public=True))
        labels = label_voxels((40, 35, 33))
        add_sample(url, catalog, Sample("lab/brain/seg", labels, Kind.LABELS, "em", public=True))
        for name, state in STATES.items():
            if state is not DatasetState.READY:
                unfinish(url, catalog, name, state)
        yield url, catalog


@pytest.fixture(scope="module")
def gateway(lake: tuple[StoreURL, Catalog]) -> Iterator[str]:
    identity = LocalIdentity(TOKEN, "voxlake-session-test")
    with run_app(create_app(Settings(), *lake, identity)) as address:
        yield address


@pytest.mark.parametrize("name", STATES)
def test_the_gateway_says_it_in_a_header_and_in_the_title_of_the_viewer(
    name: str, gateway: str
) -> None:
    with Gateway(gateway) as client:
        described = client.info(name)
    whole = STATES[name] is DatasetState.READY
    assert described.whole is whole

    with httpx2.Client(base_url=gateway) as http:
        answers = [
            http.get(f"/v2/datasets/{name}/cutout?z=0:2&y=0:2&x=0:2"),
            http.get(f"/v2/datasets/{name}"),
            http.get(f"/zarr/{name}/zarr.json"),
        ]
        state = http.get(f"/v2/datasets/{name}/neuroglancer").json()["state"]
    wanted = None if whole else STATES[name].value
    assert [answer.headers.get(HEADER) for answer in answers] == [wanted] * 3
    titles = {"em": "seg (unfinished)", "half": "half (unfinished)", "seg": "seg (unfinished)"}
    assert state["title"] == titles[name.rpartition("/")[2]]


def test_a_whole_dataset_has_no_title_of_its_own(tmp_path: Path) -> None:
    url = StoreURL.parse(str(tmp_path / "lake"))
    with open_catalog(url, Settings()) as catalog:
        made = add_sample(url, catalog, Sample("lab/brain/em", image_voxels((40, 35, 33))))
    layer = Layer("em", "http://h", open_dataset(made).multiscale, (40, 35, 33), labels=False)
    assert "title" not in viewer_state([layer])


@pytest.mark.parametrize("at_gateway", [False, True])
@pytest.mark.parametrize("name", STATES)
def test_arrays_come_with_a_warning(
    name: str, at_gateway: bool, lake: tuple[StoreURL, Catalog], gateway: str
) -> None:
    url, catalog = lake
    stored = str(url / catalog.get_dataset(DatasetName.parse(name)).url)
    address = f"{gateway}/zarr/{name}" if at_gateway else stored
    if STATES[name] is DatasetState.READY:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            open_xarray(address)
        return
    for opened in (open_xarray, open_levels):
        with pytest.warns(UserWarning, match="is not whole"):
            opened(address)


@pytest.mark.parametrize("name", STATES)
def test_info_and_verify_say_it(
    name: str,
    lake: tuple[StoreURL, Catalog],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    voxlake = command_on(str(lake[0]), tmp_path, monkeypatch, capsys)
    whole = STATES[name] is DatasetState.READY
    assert ("its ingest has not ended" in voxlake.plain("info", name).out) is not whole
    assert voxlake("info", name).ok()["whole"] is whole
    verified = voxlake("verify", name)
    assert ("is not whole" in verified.err) is not whole
    if not whole:
        assert verified.code == 5


def test_verify_that_would_compare_nothing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "em.npy", image_voxels((20, 20, 20)))
    voxlake = command_on(str(tmp_path / "lake"), tmp_path, monkeypatch, capsys)
    voxlake("init").ok()
    source = tmp_path / "em.npy"
    voxlake.ingest(source, "lab/brain/em", "--levels", "1").ok()
    nothing = voxlake("verify", "lab/brain/em")
    assert (nothing.code, nothing.kind) == (2, "invalid-input")
    assert "nothing to compare" in nothing.out
    voxlake("verify", "lab/brain/em", "--source", source).ok()
