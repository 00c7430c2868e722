"""Channels in the viewer's state and in documents: as they are described, whatever stands there."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from tests.api.conftest import TOKEN, run_app
from tests.api.lakes import Sample, add_sample, image_voxels

from voxlake.api.app import create_app
from voxlake.api.identity.local import LocalIdentity
from voxlake.api.views.channel_layers import MOST_LAYERS, image_layers
from voxlake.ngff.metadata.channels import Channel, Window
from voxlake.platform.catalog import open_catalog
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from voxlake.ngff.drawing.contrast import Ends

RED = Channel("DAPI", "FF0000", Window(3, 900, 0, 65535))
GREEN = Channel("GFP", "00FF00", Window(5.5, 70000.5, 0, 65535), active=False)
BARE = {"type": "image", "name": "em", "source": {}}


def layers(
    channels: list[Channel],
    dtype: str = "uint16",
    value_range: Ends | None = None,
    axis: str | None = "c'",
) -> list[dict[str, Any]]:
    return image_layers(BARE, channels, axis, dtype, value_range)


def test_each_channel_is_a_layer_of_its_colour_and_window() -> None:
    dapi, gfp = layers([RED, GREEN])
    assert (dapi["name"], gfp["name"]) == ("em DAPI", "em GFP")
    assert (dapi["localPosition"], gfp["localPosition"]) == ([0.5], [1.5])
    assert "range=[3,900]" in dapi["shader"]
    assert 'default="#ff0000"' in dapi["shader"].lower()
    assert "range=[5,65535]" in gfp["shader"]
    assert ("visible" in dapi, gfp["visible"]) == (False, False)
    assert {each["blend"] for each in (dapi, gfp)} == {"additive"}


def test_names_of_layers_differ() -> None:
    channels = [RED, RED, Channel(), replace(GREEN, label="0")]
    names = [layer["name"] for layer in layers(channels)]
    assert names == ["em DAPI 0", "em DAPI 1", "em 2", "em 0"]


def test_a_channel_without_a_window_has_that_of_what_is_there() -> None:
    channels = [RED, replace(GREEN, window=None), replace(RED, window=Window(1e6, 2e6, 0, 1e7))]
    shaders = [layer["shader"] for layer in layers(channels, value_range=(7, 77))]
    assert ["range=[7,77]" in shader for shader in shaders] == [False, True, True]
    assert "range" not in layers([Channel("a"), Channel("b")])[0]["shader"]


def test_one_channel_is_one_layer() -> None:
    for axis in (None, "c'"):
        (layer,) = layers([RED], axis=axis)
        assert layer["name"] == "em"
        assert "emitRGB(" in layer["shader"]
        (grey,) = layers([replace(RED, color="FFFFFF")], axis=axis)
        assert "emitGrayscale" in grey["shader"]
        assert "range=[3,900]" in grey["shader"]


def test_nothing_described_or_too_many_is_one_layer() -> None:
    assert layers([]) == [BARE]
    (one,) = layers([RED] * (MOST_LAYERS + 1), value_range=(0, 5))
    assert "emitGrayscale" in one["shader"]
    assert len(layers([RED] * MOST_LAYERS)) == MOST_LAYERS


def test_if_none_is_active_all_are_shown() -> None:
    assert not any("visible" in layer for layer in layers([GREEN, GREEN]))


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[tuple[Path, httpx2.Client]]:
    """The folder of an image of two channels, and the owner's client of a gateway over it."""
    url = StoreURL.parse(str(tmp_path / "lake"))
    with open_catalog(url, Settings()) as catalog:
        voxels = image_voxels((2, 20, 33, 37), 4, "uint16")
        sample = Sample("a/b/dyes", voxels, axes=("c", "z", "y", "x"), channels=(RED, GREEN))
        image = add_sample(url, catalog, sample)
        app = create_app(Settings(), url, catalog, LocalIdentity(TOKEN))
        with (
            run_app(app) as address,
            httpx2.Client(
                base_url=address, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30
            ) as client,
        ):
            assert image.path is not None
            yield image.path, client


def test_the_gateway_tells_of_channels(lake: tuple[Path, httpx2.Client]) -> None:
    _, client = lake
    document = client.get("/v2/datasets/a/b/dyes").json()
    assert [channel["label"] for channel in document["channels"]] == ["DAPI", "GFP"]
    assert document["channels"][0]["window"]["end"] == 900
    state = client.get("/v2/datasets/a/b/dyes/neuroglancer").json()["state"]
    assert [layer["name"] for layer in state["layers"]] == ["dyes DAPI", "dyes GFP"]
    assert state["selectedLayer"]["layer"] == "dyes GFP"


WINDOW = {"start": 0, "end": 9, "min": 0, "max": 99}


@pytest.mark.parametrize(
    "omero",
    [
        5,
        {"channels": "two"},
        {"channels": [None, {}]},
        {"channels": [{"color": "00ff00", "window": WINDOW}]},
        {"channels": [{"color": ["ff"], "window": {"start": "a"}}] * 2},
        {"channels": [{"window": WINDOW | {"end": float("nan")}}, {"window": WINDOW}]},
        {"channels": [{"window": WINDOW | {"max": 10**400}}, {"label": "\x1b[2J\x00"}]},
        {"channels": [{"window": WINDOW | {"min": 100}, "label": "a\nb"}] * 2},
    ],
)
def test_an_invalid_omero_fails_nothing(lake: tuple[Path, httpx2.Client], omero: Any) -> None:
    path, client = lake
    document = json.loads((path / "zarr.json").read_text())
    document["attributes"]["ome"]["omero"] = omero
    (path / "zarr.json").write_text(json.dumps(document))
    for address in ("", "/neuroglancer", "/cutout?c=0&z=0:1&y=0:1&x=0:1"):
        answer = client.get(f"/v2/datasets/a/b/dyes{address}")
        assert answer.status_code == 200, answer.text
    state = client.get("/v2/datasets/a/b/dyes/neuroglancer").json()["state"]
    assert all(layer["shader"] for layer in state["layers"])
