"""``omero``: what is said of channels is kept, what cannot be used is named and never an error."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import ome_zarr_models
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st
from ome_zarr.io import parse_url
from ome_zarr.reader import Reader

from voxlake.ngff.dataset import open_dataset
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.grid.pyramid import Extent, plan_levels
from voxlake.ngff.lake import Place
from voxlake.ngff.making.create import NewDataset, create_dataset
from voxlake.ngff.metadata.channels import Channel, Channels, Window, read_channels
from voxlake.ngff.metadata.rules.group import breaches
from voxlake.ngff.validate import Severity, validate_dataset
from voxlake.platform.names import DatasetName
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from pathlib import Path

type Json = dict[str, Any]

DAPI = Channel("DAPI", "0000FF", Window(100, 900.5, 0, 65535))
GFP = Channel("GFP", "00FF00", Window(0, 4095, 0, 65535), active=False)


def image(lake: StoreURL, channels: tuple[Channel, ...], count: int = 2) -> StoreURL:
    """Create an image of so many channels."""
    axes = ("c", "z", "y", "x") if count > 1 else ("z", "y", "x")
    shape = ((count,) if count > 1 else ()) + (8, 16, 16)
    levels = plan_levels(Kind.IMAGE, Extent(shape, axes, VoxelSize(1, 1, 1)), 1)
    place = Place(DatasetName("lab", "light", "dyes"), Kind.IMAGE)
    dtype = np.dtype("uint16")
    new = NewDataset(place, axes, "nanometer", dtype, levels, channels=channels)
    return create_dataset(lake, new)


def put_omero(url: StoreURL, omero: Any) -> None:
    assert url.path is not None
    path = url.path / "zarr.json"
    document = json.loads(path.read_text())
    document["attributes"]["ome"]["omero"] = omero
    path.write_text(json.dumps(document))


@pytest.mark.parametrize("channels", [(DAPI, GFP), (GFP,)])
def test_what_is_written_is_read_by_us_and_by_others(
    channels: tuple[Channel, ...], tmp_path: Path
) -> None:
    url = image(StoreURL.parse(str(tmp_path)), channels, len(channels))
    dataset = open_dataset(url)
    assert dataset.multiscale.channels == Channels(channels)
    assert dataset.multiscale.channels_in(dataset.level(0).shape) == channels
    assert [each for each in validate_dataset(url) if each.severity is Severity.MUST] == []
    ome_zarr_models.open_ome_zarr(zarr.open_group(str(url.path), mode="r"))
    location = parse_url(str(url.path))
    assert location is not None
    found = next(iter(Reader(location)())).metadata
    assert found["channel_names"] == [channel.label for channel in channels]
    assert found["contrast_limits"] == [
        [channel.window.start, channel.window.end] for channel in channels if channel.window
    ]
    assert found["visible"] == [channel.active for channel in channels]


def test_an_image_of_which_nothing_is_said_has_no_omero(tmp_path: Path) -> None:
    url = image(StoreURL.parse(str(tmp_path)), ())
    assert url.path is not None
    assert "omero" not in (url.path / "zarr.json").read_text()


WINDOW = {"start": 0, "end": 9, "min": 0, "max": 99}
GOOD = {"color": "0000ff", "window": WINDOW}
BAD: dict[str, tuple[Any, str]] = {
    "no object": (7, "no list of channels"),
    "no list": ({"channels": {"0": GOOD}}, "no list of channels"),
    "a channel that is a text": ({"channels": [GOOD, "GFP"]}, "channel 1 is 'GFP'"),
    "too few": ({"channels": [GOOD]}, "1 channel is described, and there are 2"),
    "too many": ({"channels": [GOOD] * 3}, "3 channels are described, and there are 2"),
    "a colour by name": ({"channels": [GOOD, GOOD | {"color": "red"}]}, "color of channel 1"),
    "a colour that is a number": ({"channels": [GOOD, GOOD | {"color": 255}]}, "color of channel"),
    "a label that is a number": ({"channels": [GOOD, GOOD | {"label": 488}]}, "label of channel 1"),
    "text": ({"channels": [GOOD, {"window": WINDOW | {"end": "9"}}]}, "window of channel 1"),
    "NaN": ({"channels": [GOOD, {"window": WINDOW | {"end": float("nan")}}]}, "window of channel"),
    "infinite": ({"channels": [GOOD, {"window": WINDOW | {"max": float("inf")}}]}, "window of"),
    "huge": ({"channels": [GOOD, {"window": WINDOW | {"max": 10**400}}]}, "window of channel 1"),
    "backwards": ({"channels": [GOOD, {"window": WINDOW | {"start": 10}}]}, "window of channel 1"),
    "min above max": ({"channels": [GOOD, {"window": WINDOW | {"min": 100}}]}, "window of"),
    "a list": ({"channels": [GOOD, {"window": [0, 255]}]}, "window of channel 1"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_cannot_be_used_is_named_and_left_out(kind: str, tmp_path: Path) -> None:
    omero, says = BAD[kind]
    url = image(StoreURL.parse(str(tmp_path)), ())
    put_omero(url, omero)
    dataset = open_dataset(url)
    shape = dataset.level(0).shape
    (fault,) = dataset.multiscale.channels.fitting(2).faults
    assert says in fault
    kept = dataset.multiscale.channels_in(shape)
    assert len(kept) in {0, 2}
    if kept:  # the first of them is right, and stays
        assert kept[0] == Channel("", "0000FF", Window(0, 9, 0, 99))
        assert None in {kept[1].color, kept[1].window} or not kept[1].label
    assert any("omero" in finding.text for finding in validate_dataset(url))


def test_the_grey_model_has_no_colours() -> None:
    found = read_channels({"omero": {"channels": [GOOD], "rdefs": {"model": "greyscale"}}})
    assert found.described[0].color == "FFFFFF"


@given(omero=st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["channels", "window", "color", "label", "active", "start", "end", "min", "max",
                 "rdefs", "model"]
            ),
            inner,
        ),
    ),
    max_leaves=20,
))  # fmt: skip
def test_whatever_stands_there_is_no_error(omero: Any) -> None:
    found = read_channels({"omero": omero})
    for channel in found.fitting(1).described:
        assert channel.window is None or channel.window.start < channel.window.end
    assert all(breaches({"omero": omero, "multiscales": [{"version": "0.4"}]}, "0.4"))
