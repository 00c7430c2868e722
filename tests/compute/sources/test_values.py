"""What inputs say of their values, beyond what they hold: a sign, packing, a function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
import tifffile
import zarr
from tests.compute.sources.reading import assert_whole, fails

from voxlake.compute.sources import open_source
from voxlake.compute.sources.channels import channels_of
from voxlake.compute.sources.preview import preview
from voxlake.ngff.metadata.channels import Channel, Window

if TYPE_CHECKING:
    from pathlib import Path

RNG = np.random.default_rng(3)
STORED = RNG.integers(0, 65536, (4, 12, 14), "u2")
SIGNED = (STORED.astype("i4") - 32768).astype("i2")
CALIBRATED = "cf=0\nc0=-32768.0\nc1=1.0\nvunit=Gray Value\n"
HOUNSFIELD = "cf=0\nc0=-1024.0\nc1=1.0\nvunit=HU\n"
SAID = "values as stored, without the calibration of ImageJ (cf=0 c0=-1024.0 c1=1.0 vunit=HU)"


def stack(path: Path, said: str) -> Path:
    """Write an ImageJ stack whose description says that too."""
    with tifffile.TiffWriter(path) as writer:
        for number, plane in enumerate(STORED):
            text = f"ImageJ=1.54f\nimages=4\nslices=4\nmin=32768\nmax=40000\n{said}"
            writer.write(plane, description="" if number else text, metadata=None)
    return path


def slices(folder: Path, *said: str) -> Path:
    folder.mkdir()
    for number, plane in enumerate(STORED):
        text = f"ImageJ=1.54f\n{said[number % len(said)]}"
        tifffile.imwrite(folder / f"s{number}.tif", plane, description=text, metadata=None)
    return folder


def test_imagej_keeps_signed_voxels_without_a_sign(tmp_path: Path) -> None:
    source = open_source(str(stack(tmp_path / "v.tif", CALIBRATED)))
    assert_whole(source, SIGNED)
    assert channels_of(source).described == (Channel("", None, Window(0, 7232, -32768, 32767)),)
    assert_whole(open_source(str(slices(tmp_path / "slices", CALIBRATED))), SIGNED)


def test_other_functions_of_imagej_are_told(tmp_path: Path) -> None:
    for path in (stack(tmp_path / "v.tif", HOUNSFIELD), slices(tmp_path / "slices", HOUNSFIELD)):
        source = open_source(str(path))
        assert_whole(source, STORED)
        assert SAID in preview(source)
    fails(slices(tmp_path / "mixed", HOUNSFIELD, ""), "unlike its first", "s1.tif", "s3.tif")


def test_a_function_that_changes_nothing_is_none(tmp_path: Path) -> None:
    source = open_source(str(stack(tmp_path / "v.tif", "cf=0\nc0=0.0\nc1=1.0\n")))
    assert_whole(source, STORED)
    assert "ImageJ" not in preview(source)


@pytest.mark.parametrize(
    ("said", "voxels"), [(None, STORED), ("uint16", STORED), ("int16", STORED.view("i2"))]
)
def test_bigdataviewer_keeps_voxels_without_a_sign_as_signed(
    tmp_path: Path, said: str | None, voxels: np.ndarray
) -> None:
    with h5py.File(tmp_path / "v.h5", "w") as file:
        file["t00000/s00/0/cells"] = STORED.view("i2")
        setup = file.create_group("s00")
        if said is not None:
            setup.attrs["dataType"] = said
    assert_whole(open_source(f"{tmp_path / 'v.h5'}::/t00000/s00/0/cells"), voxels)


def test_elsewhere_signed_voxels_are_signed(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "v.h5", "w") as file:
        file["cells"] = STORED.view("i2")
    assert_whole(open_source(str(tmp_path / "v.h5")), STORED.view("i2"))


PACKED: dict[str, tuple[dict[str, Any], str]] = {
    "a factor": ({"scale_factor": 0.5}, "scale_factor 0.5"),
    "an offset": ({"scale_factor": 1.0, "add_offset": -7}, "add_offset -7"),
    "a sign": ({"_Unsigned": "true"}, "_Unsigned true"),
}
"""What netCDF and xarray write, and what the error names of it."""


@pytest.mark.parametrize(("said", "named"), PACKED.values(), ids=PACKED)
def test_packed_values_are_refused(tmp_path: Path, said: dict[str, Any], named: str) -> None:
    with h5py.File(tmp_path / "v.h5", "w") as file:
        file["raw"] = SIGNED
        file["raw"].attrs.update(said)
    fails(tmp_path / "v.h5", f"packed values ({named})")
    array = zarr.create_array(tmp_path / "v.zarr", data=SIGNED, attributes=said)
    assert array.dtype == "i2"
    fails(tmp_path / "v.zarr", f"packed values ({named})")


def test_attributes_that_leave_values_alone(tmp_path: Path) -> None:
    said: dict[str, Any] = {"scale_factor": 1, "add_offset": 0.0, "_Unsigned": "false"}
    zarr.create_array(tmp_path / "a.zarr", data=SIGNED, attributes=said)
    zarr.create_array(tmp_path / "b.zarr", data=SIGNED, attributes={"scale_factor": [1, 2, 2]})
    for name in ("a.zarr", "b.zarr"):
        assert_whole(open_source(str(tmp_path / name)), SIGNED)
