"""Channels of a gateway by its own API of bossDB: they come out as they went in."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.api.conftest import TOKEN
from tests.api.v1.conftest import FRAME
from tests.compute.sources.reading import assert_whole, fails

from voxlake.cli import main
from voxlake.compute.sources import open_source
from voxlake.ngff.dataset import open_dataset
from voxlake.platform.catalog import open_catalog
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx2
    from tests.api.conftest import Served


@pytest.fixture(autouse=True)
def _owner(bossdb: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The token of the owner is kept where intern keeps it."""
    file = tmp_path / ".intern/intern.cfg"
    file.parent.mkdir()
    host = bossdb.url.removeprefix("http://")
    file.write_text(f"[Default]\nprotocol = http\nhost = {host}\ntoken = {TOKEN}\n")
    monkeypatch.setenv("HOME", str(tmp_path))


def location(bossdb: Served, name: str) -> str:
    return f"bossdb+{bossdb.url}/{name}"


@pytest.mark.parametrize("name", ["lab/brain/em", "lab/brain/cells", "lab/brain/secret"])
def test_voxels(bossdb: Served, name: str) -> None:
    assert_whole(open_source(location(bossdb, name)), bossdb.voxels[name])


def test_labels_of_few_bits_come_as_those_of_many(bossdb: Served) -> None:
    source = open_source(location(bossdb, "lab/brain/few"))
    assert_whole(source, bossdb.voxels["lab/brain/few"].astype(np.uint64))


def test_a_level(bossdb: Served) -> None:
    source = open_source(location(bossdb, "lab/brain/em") + "?level=1")
    assert_whole(source, bossdb.voxels["lab/brain/em"][:, ::2, ::2])
    assert source.calibration.translation("nanometer") == (0, 5, 5)


def test_times_in_a_frame_that_begins_elsewhere(bossdb: Served) -> None:
    source = open_source(location(bossdb, "lab/light/film"))
    assert_whole(source, bossdb.voxels["lab/light/film"])
    places = np.multiply(FRAME.start, FRAME.voxel_size)
    assert source.calibration.translation("micrometer") == tuple(places)
    # Its experiment has a time point more.
    cells = location(bossdb, "lab/light/cells")
    assert_whole(open_source(f"{cells}?t=0:2"), bossdb.voxels["lab/light/cells"])
    fails(cells, "0:2")


def test_what_is_no_channel(bossdb: Served) -> None:
    fails(location(bossdb, "lab/light/dyes"), "2 channels")
    fails(location(bossdb, "lab/brain/none"), "404")


@pytest.fixture
def said(bossdb: Served, web: httpx2.Client) -> Iterator[dict[str, str]]:
    """A description, and odd keys and values, of `film`."""
    place = ("lab", "light", "film")
    values = {"a=b&c": "d#e +%20f", "ü": "é\n"}
    bossdb.catalog.metadata.describe(place, "of light")
    for key, value in values.items():
        bossdb.catalog.metadata.put_value(place, key, value)
    # A gateway tells what is new within seconds.
    deadline = time.monotonic() + 60
    while web.get("/v1/collection/lab/experiment/light/channel/film").json()["description"] == "":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    yield values
    bossdb.catalog.metadata.describe(place, "")
    for key in values:
        bossdb.catalog.metadata.drop_value(place, key)


def test_an_import(bossdb: Served, said: dict[str, str], tmp_path: Path) -> None:
    """The frame, a description and odd keys come with the voxels."""
    place, lake = ("lab", "light", "film"), str(tmp_path / "lake")
    words = ["import", location(bossdb, "/".join(place)), "--lake", lake, "--workers", "0"]
    assert main(words) == 0
    with open_catalog(StoreURL.parse(lake), Settings()) as catalog:
        (record,) = catalog.list_datasets()
        assert record.description == "of light"
        assert catalog.metadata.list_values(place) == said
        assert catalog.frames.get(FRAME.name) == FRAME
        assert catalog.collections.get(place[:2]).frame == FRAME.name
        dataset = open_dataset(StoreURL.parse(lake) / record.url)
        volume = dataset.level(0)
        voxels = volume.read(volume.box).result()
    np.testing.assert_array_equal(voxels, bossdb.voxels["lab/light/film"])
