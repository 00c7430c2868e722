"""Names, colours and windows of channels, as inputs of each kind have them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image

from voxlake.compute.sources import open_source
from voxlake.compute.sources.channels import channels_of, completed
from voxlake.compute.sources.preview import preview
from voxlake.ngff.metadata.channels import Channel, Channels, Window

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from voxlake.ngff.grid.box import Box

RNG = np.random.default_rng(5)
BYTES, WORDS = Window(0, 255, 0, 255), Window(0, 65535, 0, 65535)
RGB = tuple(
    Channel(name, color, BYTES)
    for name, color in (("red", "FF0000"), ("green", "00FF00"), ("blue", "0000FF"))
)
ALPHA = Channel("alpha", "FFFFFF", BYTES, active=False)
GRAY = Channel("gray", "FFFFFF", BYTES)


def voxels(*shape: int, dtype: str = "u1") -> np.ndarray:
    return RNG.integers(0, 250, shape).astype(dtype)


def described(location: object, *, colours: bool = False) -> Channels:
    return channels_of(open_source(str(location), colours=colours))


def ome_zarr(path: Path, omero: Any, version: str = "0.4", channels: int = 2) -> Path:
    group = zarr.open_group(path, mode="w", zarr_format=2)
    group.create_array("0", data=voxels(1, channels, 4, 20, 30), chunks=(1, 1, 4, 20, 30))
    level: dict[str, Any] = {"path": "0"}
    multiscale: dict[str, Any] = {"version": version, "datasets": [level]}
    if version == "0.4":
        level["coordinateTransformations"] = [{"type": "scale", "scale": [1] * 5}]
        types = {"t": "time", "c": "channel"}
        multiscale["axes"] = [{"name": n, "type": types.get(n, "space")} for n in "tczyx"]
    group.attrs.update({"multiscales": [multiscale], "omero": omero})
    return path


WINDOW = {"start": 3, "end": 40, "min": 0, "max": 255}
OMERO = {"channels": [{"label": "DAPI", "color": "0000ff", "window": WINDOW}, {"label": "GFP"}]}


@pytest.mark.parametrize("version", ["0.1", "0.2", "0.4"])
def test_ome_zarr(version: str, tmp_path: Path) -> None:
    location = ome_zarr(tmp_path / "v.zarr", OMERO, version)
    dapi = Channel("DAPI", "0000FF", Window(3, 40, 0, 255))
    assert described(location) == Channels((dapi, Channel("GFP")))


@pytest.mark.parametrize(
    ("omero", "fault"),
    [
        ({"channels": OMERO["channels"][:1]}, "1 channel is described, and there are 2"),
        ({"channels": [{"window": WINDOW | {"end": "x"}, "label": "a"}, {}]}, "window of channel"),
        ([1], "no list"),
    ],
)
def test_what_cannot_be_used_is_told_before_anything_is_written(
    omero: Any, fault: str, tmp_path: Path
) -> None:
    source = open_source(str(ome_zarr(tmp_path / "v.zarr", omero)))
    assert fault in preview(source)


def ome_tiff(path: Path, channels: dict[str, list[Any]]) -> Path:
    metadata = {"axes": "CZYX", "Channel": channels}
    tifffile.imwrite(path, voxels(2, 3, 20, 30, dtype="u2"), ome=True, metadata=metadata)
    return path


def test_ome_tiff(tmp_path: Path) -> None:
    named = ome_tiff(tmp_path / "a.ome.tif", {"Name": ["DAPI", "GFP"], "Color": [65535, 16711935]})
    assert described(named) == Channels((Channel("DAPI", "0000FF"), Channel("GFP", "00FF00")))
    white = ome_tiff(tmp_path / "b.ome.tif", {"Color": [-1, -16776961]})
    assert described(white) == Channels((Channel("", "FFFFFF"), Channel("", "FF0000")))
    assert described(ome_tiff(tmp_path / "c.ome.tif", {})) == Channels()


def test_a_colour_that_is_no_number_is_a_fault(tmp_path: Path) -> None:
    path = ome_tiff(tmp_path / "a.ome.tif", {"Name": ["DAPI", "GFP"], "Color": [65535, 16711935]})
    path.write_bytes(path.read_bytes().replace(b'"16711935"', b'"#00FF00x"'))
    found = described(path)
    assert found.described == (Channel("DAPI", "0000FF"), Channel("GFP"))
    assert found.faults == ("the Color of channel 1 is '#00FF00x'",)


def ramp(*end: int) -> np.ndarray:
    return np.round(np.outer(end, np.arange(256) / 255)).astype("u1")


def imagej(path: Path, shape: tuple[int, ...], axes: str, **metadata: Any) -> Path:
    metadata |= {"axes": axes}
    tifffile.imwrite(path, voxels(*shape, dtype="u2"), imagej=True, metadata=metadata)
    return path


def test_imagej(tmp_path: Path) -> None:
    fire = ramp(255, 255, 0)
    fire[0, 100] = 255
    path = imagej(
        tmp_path / "a.tif",
        (3, 2, 20, 30),
        "ZCYX",
        LUTs=[ramp(0, 255, 128), fire],
        Ranges=(10.0, 200.0, 7.0, 7.0),
    )
    found = described(path)
    green = Channel("", "00FF80", Window(10, 200, 0, 65535))
    assert found.described == (green, Channel())
    assert found.faults == ("the look-up table of channel 1 is no ramp to one colour",)
    one = imagej(tmp_path / "b.tif", (3, 20, 30), "ZYX", min=5, max=99)
    assert described(one) == Channels((Channel("", None, Window(5, 99, 0, 65535)),))
    assert described(imagej(tmp_path / "c.tif", (3, 2, 20, 30), "ZCYX")) == Channels()


def save(mode: str, suffix: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        shape = {"RGB": (20, 30, 3), "RGBA": (20, 30, 4), "LA": (20, 30, 2), "L": (20, 30)}[mode]
        for number in range(2):
            Image.fromarray(voxels(*shape), mode).save(folder / f"s{number}.{suffix}")
        return folder

    return write


def tiff(photometric: str, shape: tuple[int, ...], name: str = "v.tif", **options: Any) -> Any:
    def write(folder: Path) -> Path:
        tifffile.imwrite(folder / name, voxels(*shape), photometric=photometric, **options)
        return folder if name.startswith("s") else folder / name

    return write


COLOURS: dict[str, tuple[Callable[[Path], Path], tuple[Channel, ...]]] = {
    "rgb png": (save("RGB", "png"), RGB),
    "rgba png": (save("RGBA", "png"), (*RGB, ALPHA)),
    "gray and alpha": (save("LA", "png"), (GRAY, ALPHA)),
    "gray": (save("L", "png"), ()),
    "jpeg": (save("RGB", "jpg"), RGB),
    "bmp": (save("RGB", "bmp"), RGB),
    "rgb tiff slices": (save("RGB", "tif"), RGB),
    "rgb pages": (tiff("rgb", (3, 20, 30, 3)), RGB),
    "rgb planes": (tiff("rgb", (3, 3, 20, 30), planarconfig="separate"), RGB),
    "rgba pages": (tiff("rgb", (2, 20, 30, 4), extrasamples=["unassalpha"]), (*RGB, ALPHA)),
    "samples that are no colours": (
        tiff("minisblack", (2, 20, 30, 3), planarconfig="contig", metadata={"axes": "ZYXS"}),
        (),
    ),
    "slices of samples that are no colours": (
        tiff("minisblack", (20, 30, 3), "s0.tif", planarconfig="contig", metadata=None),
        (),
    ),
}


@pytest.mark.parametrize("kind", COLOURS)
def test_samples_that_are_colours_are_called_so(kind: str, tmp_path: Path) -> None:
    write, expected = COLOURS[kind]
    assert described(write(tmp_path), colours=True) == Channels(expected)


@pytest.mark.parametrize("suffix", ["png", "gif", "tif"])
def test_colours_of_palettes_are_called_so(suffix: str, tmp_path: Path) -> None:
    image = Image.fromarray(voxels(20, 30), "P")
    image.putpalette(RNG.integers(0, 255, 768).astype("u1").tobytes())
    image.save(tmp_path / f"s0.{suffix}")
    location = tmp_path / f"s0.{suffix}" if suffix == "tif" else tmp_path
    assert described(location, colours=True) == Channels(RGB)
    assert described(location) == Channels()


def test_other_axes_have_no_description_of_channels(tmp_path: Path) -> None:
    """Where somebody says that the axes are others than the input says."""
    path = ome_tiff(tmp_path / "a.ome.tif", {"Name": ["DAPI", "GFP"]})
    assert channels_of(open_source(str(path), "czyx")).described
    found = channels_of(open_source(str(path), "zcyx"))
    assert found.described == ()
    assert "2 channels are described, and there are 3" in found.faults


def test_what_is_not_said_is_made_of_the_voxels() -> None:
    shape = (2, 2, 9, 1000, 700)
    read: list[Box] = []

    def reader(box: Box, dtype: np.dtype) -> np.ndarray:
        read.append(box)
        return np.linspace(100, 200, box.size).reshape(box.shape).astype(dtype)

    channels = (Channel("a", "ABCDEF"), Channel("b", None, WORDS))
    dtype = np.dtype("u2")
    first, second = completed(channels, ("t", "c", "z", "y", "x"), shape, dtype, reader)
    assert first.color == "ABCDEF"
    assert first.window == Window(100, 199, 0, 65535)
    assert second == replace(channels[1], color="00FF00")
    assert [box.start for box in read] == [(0, 0, 4, 244, 94)]
    assert read[0].shape == (1, 1, 1, 512, 512)


@pytest.mark.parametrize(
    ("dtype", "value", "window"),
    [("u1", 9, BYTES), ("u2", 9, WORDS), ("f4", 9, Window(0, 1, 0, 1)), ("f4", np.nan, None)],
)
def test_flat_and_empty_channels_have_a_window_too(
    dtype: str, value: float, window: Window | None
) -> None:
    def reader(box: Box, kind: np.dtype) -> np.ndarray:
        return np.full(box.shape, value, kind)

    (found,) = completed((Channel("a"),), ("z", "y", "x"), (4, 5, 6), np.dtype(dtype), reader)
    assert found == Channel("a", "FFFFFF", window or Window(0, 1, 0, 1))
