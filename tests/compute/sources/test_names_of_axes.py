"""Which axis is which: as the input names them, as somebody says, or not known. Never a guess."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
import tifffile
import zarr
from tests.compute.sources.reading import assert_whole

from voxlake.compute.sources import cached_source, open_source
from voxlake.compute.sources.arrangement import arrange_as_asked, axis_name
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.platform.errors import InvalidInputError, PlanChangedError, SourceError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ZYXC = np.random.default_rng(8).integers(0, 255, (12, 15, 20, 3), "u1")
CZYX = np.moveaxis(ZYXC, -1, 0)
ZYX = ZYXC[..., 0]

type Write = Callable[[Path], str]


def hdf5(voxels: np.ndarray, labels: str | list[str] = "", scales: str = "", **said: Any) -> Write:
    def write(folder: Path) -> str:
        with h5py.File(folder / "v.h5", "w") as file:
            file["data/raw"] = voxels
            dataset = file["data/raw"]
            dataset.attrs.update(said)
            for number, label in enumerate(labels):
                dataset.dims[number].label = label
            for number, name in enumerate(scales):
                file[f"data/{name}"] = np.arange(float(voxels.shape[number]))
                file[f"data/{name}"].make_scale()
                dataset.dims[number].attach_scale(file[f"data/{name}"])
        return f"{folder / 'v.h5'}::/data/raw"

    return write


def plain_zarr(voxels: np.ndarray, names: Any = None, version: Any = 3, **said: Any) -> Write:
    def write(folder: Path) -> str:
        array = zarr.create_array(
            folder / "v.zarr",
            data=voxels,
            chunks=voxels.shape,
            zarr_format=version,
            dimension_names=names,
        )
        array.attrs.update(said)
        return str(folder / "v.zarr")

    return write


def ome_zarr(voxels: np.ndarray, axes: list[dict[str, str]]) -> Write:
    def write(folder: Path) -> str:
        group = zarr.open_group(folder / "v.zarr", mode="w", zarr_format=2)
        group.create_array("0", data=voxels, chunks=voxels.shape)
        steps = [{"type": "scale", "scale": [1] * voxels.ndim}]
        dataset: Any = {"path": "0", "coordinateTransformations": steps}
        group.attrs["multiscales"] = [{"version": "0.4", "axes": axes, "datasets": [dataset]}]
        return str(folder / "v.zarr")

    return write


def n5(dimensions: list[int], **attributes: Any) -> Write:
    def write(folder: Path) -> str:
        document = {"dimensions": dimensions, "blockSize": dimensions, "dataType": "uint8"}
        (folder / "v.n5").mkdir()
        (folder / "v.n5" / "attributes.json").write_text(
            json.dumps(document | {"compression": {"type": "raw"}} | attributes)
        )
        return str(folder / "v.n5")

    return write


def npy(voxels: np.ndarray) -> Write:
    def write(folder: Path) -> str:
        np.save(folder / "v.npy", voxels)
        return str(folder / "v.npy")

    return write


def tiff(voxels: np.ndarray) -> Write:
    def write(folder: Path) -> str:
        tifffile.imwrite(folder / "v.tif", voxels, photometric="minisblack")
        return str(folder / "v.tif")

    return write


def raw(query: str) -> Write:
    def write(folder: Path) -> str:
        ZYXC.tofile(folder / "v.raw")
        return f"{folder / 'v.raw'}?dtype=uint8&{query}"

    return write


def tags(names: str) -> str:
    return json.dumps({"axes": [{"key": name, "typeFlags": 2} for name in names]})


def space(*names: str) -> list[dict[str, str]]:
    return [{"name": name, "type": "space", "unit": "nanometer"} for name in names]


NAMED: dict[str, tuple[Write, np.ndarray]] = {
    "axistags": (hdf5(ZYXC, axistags=tags("zyxc")), CZYX),
    "axistags of one channel": (hdf5(ZYXC[..., :1], axistags=tags("zyxc")), ZYX),
    "axistags as bytes": (hdf5(ZYX.T, axistags=tags("xyz").encode()), ZYX),
    "axistags of zarr": (plain_zarr(ZYXC, axistags=json.loads(tags("zyxc"))), CZYX),
    "labels in capitals": (hdf5(ZYXC, "ZYXC"), CZYX),
    "labels in words": (hdf5(ZYXC, ["depth", "Height", "width", "Channel"]), CZYX),
    "scales": (hdf5(ZYX.T, scales="xyz"), ZYX),
    "axis_names": (hdf5(ZYXC, axis_names=["z", "y", "x", "c"]), CZYX),
    "axes in one word": (hdf5(ZYX.T, axes="XYZ"), ZYX),
    "dimension_names": (plain_zarr(ZYXC, ["Z", "Y", "X", "channels"]), CZYX),
    "time": (plain_zarr(CZYX, ["Time", "Z", "Y", "X"]), CZYX),
    "xarray in v2": (plain_zarr(ZYX.T, version=2, _ARRAY_DIMENSIONS=["x", "y", "z"]), ZYX),
    "types of OME-Zarr": (
        ome_zarr(ZYXC, [*space("z", "y", "x"), {"name": "fluorophore", "type": "channel"}]),
        CZYX,
    ),
    "capitals of OME-Zarr": (ome_zarr(ZYX.T, space("X", "Y", "Z")), ZYX),
    "axes of raw": (raw("shape=12,15,20,3&axes=zyxc"), CZYX),
    "a cube of 3": (npy(ZYX[:3, :3, :3]), ZYX[:3, :3, :3]),
}


@pytest.mark.parametrize(("write", "voxels"), NAMED.values(), ids=NAMED)
def test_names_are_understood(tmp_path: Path, write: Write, voxels: np.ndarray) -> None:
    assert_whole(open_source(write(tmp_path)), voxels)


DOUBTED: dict[str, tuple[Write, str]] = {
    "npy": (npy(ZYXC), "zyxc"),
    "npy of one channel": (npy(ZYXC[..., :1]), "zyxc"),
    "npy of two": (npy(ZYXC[..., :2]), "zyxc"),
    "hdf5": (hdf5(ZYXC), "zyxc"),
    "hdf5 with labels that say nothing": (hdf5(ZYX, ["phony_dim_0", "phony_dim_1", "n"]), "zyx"),
    "hdf5 with a label": (hdf5(ZYX, ["z"]), "zyx"),
    "axistags of another rank": (hdf5(ZYXC, axistags=tags("zyx")), "zyxc"),
    "axistags with an axis twice": (hdf5(ZYX, axistags=tags("zzx")), "zyx"),
    "zarr": (plain_zarr(ZYXC), "zyxc"),
    "zarr with names of nobody": (plain_zarr(ZYX, ["dim_0", "dim_1", "dim_2"]), "zyx"),
    "zarr with half of the names": (plain_zarr(ZYX, [None, "y", "x"]), "zyx"),
    "ome-zarr": (ome_zarr(ZYX, space("dim_0", "dim_1", "dim_2")), "zyx"),
    "n5": (n5([20, 15, 12], axes=["a", "b", "c"]), "xyz"),
    "n5 of channels": (n5([3, 20, 15, 12]), "cxyz"),
    "n5 in COSEM's way": (n5([20, 15, 12], transform={"axes": ["u", "v", "w"]}), "xyz"),
    "tiff of two unnamed axes": (tiff(ZYXC), "tzyx"),
    "six axes": (npy(ZYX[None, None, None]), "zyx"),
}


@pytest.mark.parametrize(("write", "axes"), DOUBTED.values(), ids=DOUBTED)
def test_names_that_are_not_understood_are_asked_for(
    tmp_path: Path, write: Write, axes: str
) -> None:
    location = write(tmp_path)
    with pytest.raises(SourceError, match="--axes"):
        open_source(location)
    named = open_source(location, axes)
    assert named.axes[-3:] == ("z", "y", "x")
    with pytest.raises(SourceError, match="each at most once"):
        open_source(location, "zyq")


def test_a_raw_file_names_its_axes_in_its_location(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="&axes="):
        open_source(raw("shape=12,15,20,3")(tmp_path))


def test_what_is_asked_for_counts_against_what_the_input_says(tmp_path: Path) -> None:
    location = hdf5(ZYX, "xyz", resolution=(40, 5, 4))(tmp_path)
    assert_whole(open_source(location), ZYX.T)
    assert_whole(open_source(location, "zyx"), ZYX)
    assert_whole(open_source(location, "tyx"), ZYX[:, np.newaxis])
    said = open_source(npy(ZYXC)(tmp_path), "zyxc")
    assert_whole(said, CZYX)


def test_sizes_go_with_the_axes_that_are_named(tmp_path: Path) -> None:
    location = n5([12, 15, 20], axes=["a", "b", "c"], resolution=[1, 2, 3], units=["nm"] * 3)
    source = open_source(location(tmp_path), "zyx")
    assert source.calibration.voxel_size == VoxelSize(1, 2, 3)


def test_axes_of_extent_one_may_be_left_out(tmp_path: Path) -> None:
    location = npy(ZYXC[np.newaxis, ..., :1])(tmp_path)
    assert_whole(open_source(location, "zyx"), ZYX)
    assert_whole(open_source(location, "tzyxc"), ZYX)


def test_a_task_reads_the_axes_that_were_planned(tmp_path: Path) -> None:
    location = npy(ZYXC)(tmp_path)
    planned = open_source(location, "zyxc").fingerprint
    assert cached_source(location, planned, "zyxc").shape == (3, 12, 15, 20)
    with pytest.raises(PlanChangedError):
        cached_source(location, planned, "zyxt")


def test_a_tiff_knows_its_samples(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "v.tif", ZYXC, photometric="rgb")
    assert_whole(open_source(str(tmp_path / "v.tif")), CZYX)
    narrow = np.ascontiguousarray(ZYX[..., :3])
    tifffile.imwrite(tmp_path / "narrow.tif", narrow, photometric="minisblack")
    assert_whole(open_source(str(tmp_path / "narrow.tif")), narrow)


@pytest.mark.parametrize("letters", ["", "zz", "zyxq", "zy", "zyxt"])
def test_letters_that_do_not_fit(letters: str) -> None:
    with pytest.raises(SourceError, match="each at most once"):
        arrange_as_asked(letters, (4, 5, 6), "it")


@pytest.mark.parametrize(
    ("name", "letter"),
    [
        ("Z", "z"),
        ("Slices", "z"),
        ("rows", "y"),
        ("COL", "x"),
        ("times", "t"),
        ("ch", "c"),
        ("s", "s"),
        ("axis", "axis"),
    ],
)
def test_what_axes_are_called(name: str, letter: str) -> None:
    assert axis_name(name) == letter


def test_a_source_of_another_kind_keeps_its_axes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Own:
        shape, axes, dtype = (2, 2, 2), ("z", "y", "x"), np.dtype("u1")

    monkeypatch.setattr("voxlake.compute.sources.opening._open", lambda _: ("own", Own()))
    assert isinstance(open_source(str(tmp_path)), Own)
    with pytest.raises(InvalidInputError, match="axes of its own"):
        open_source(str(tmp_path), "zyx")
