"""What a source says of its channels is in the dataset that it becomes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import ome_zarr_models
import tifffile
import zarr
from PIL import Image
from tests.compute.sources.test_channels import OMERO, ome_zarr

if TYPE_CHECKING:
    from pathlib import Path

    from tests.api.cli.conftest import Command

RNG = np.random.default_rng(8)
SIZE = ("--kind", "image", "--voxel-size", "10nm")


def omero(voxlake: Command, name: str) -> Any:
    """Return what the group of a dataset says, which has to be right by other validators."""
    path = f"{voxlake.lake}/{name}.ome.zarr"
    ome_zarr_models.open_ome_zarr(zarr.open_group(path, mode="r"))
    assert voxlake("validate", path).ok()["verdict"] == "right"
    with open(f"{path}/zarr.json", encoding="utf-8") as file:  # noqa: PTH123
        return json.load(file)["attributes"]["ome"].get("omero")


def test_rgb_slices(voxlake: Command, tmp_path: Path) -> None:
    (tmp_path / "slices").mkdir()
    for number in range(3):
        pixels = RNG.integers(0, 255, (20, 30, 3)).astype("u1")
        Image.fromarray(pixels).save(tmp_path / "slices" / f"s{number}.png")
    voxlake("ingest", tmp_path / "slices", "lab/light/rgb", *SIZE).ok()
    found = omero(voxlake, "lab/light/rgb")["channels"]
    assert [each["color"] for each in found] == ["FF0000", "00FF00", "0000FF"]
    assert {json.dumps(each["window"]) for each in found} == {
        '{"min": 0, "max": 255, "start": 0, "end": 255}'
    }
    assert "red #FF0000 0 to 255" in voxlake.plain("info", "lab/light/rgb").out


def test_names_without_windows(voxlake: Command, tmp_path: Path) -> None:
    """A window is that of the voxels that are there."""
    voxels = np.full((2, 3, 20, 30), 200, "f4")
    voxels[0] = np.linspace(-5, 5, 1800).reshape(3, 20, 30)
    metadata = {"axes": "CZYX", "Channel": {"Name": ["DAPI", "GFP"]}}
    tifffile.imwrite(tmp_path / "a.ome.tif", voxels, ome=True, metadata=metadata)
    voxlake("ingest", tmp_path / "a.ome.tif", "lab/light/dyes", *SIZE, "--reverse", "c").ok()
    gfp, dapi = omero(voxlake, "lab/light/dyes")["channels"]
    assert (gfp["label"], dapi["label"]) == ("GFP", "DAPI")
    assert -2 < dapi["window"]["start"] < -1 < 1 < dapi["window"]["end"] < 2
    assert gfp["window"] == {"min": 0, "max": 1, "start": 0, "end": 1}


def test_ome_zarr_keeps_what_it_has(voxlake: Command, tmp_path: Path) -> None:
    voxlake("ingest", ome_zarr(tmp_path / "v.zarr", OMERO), "lab/light/dyes", *SIZE).ok()
    dapi, gfp = omero(voxlake, "lab/light/dyes")["channels"]
    assert dapi == {
        "label": "DAPI",
        "color": "0000FF",
        "window": {"min": 0, "max": 255, "start": 3, "end": 40},
        "active": True,
    }
    assert (gfp["label"], gfp["window"]["end"]) == ("GFP", 255)


def test_what_cannot_be_kept_is_told(voxlake: Command, tmp_path: Path) -> None:
    source = ome_zarr(tmp_path / "v.zarr", {"channels": [{"label": "only"}]})
    for command in ("plan", "ingest"):
        said = voxlake.plain(command, source, "lab/light/dyes", *SIZE)
        assert said.code == 0
        assert "1 channel is described, and there are 2" in said.out + said.err
    assert omero(voxlake, "lab/light/dyes") is None


def test_an_image_of_which_nothing_is_said(voxlake: Command, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", RNG.integers(0, 9, (2, 5, 20, 30)).astype("u1"))
    voxlake("ingest", tmp_path / "a.npy", "lab/light/dyes", *SIZE).ok()
    assert omero(voxlake, "lab/light/dyes") is None
