"""Every reader returns, for any box, what NumPy holds."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import imagecodecs
import nibabel
import numpy as np
import pytest
import tifffile
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.compute.sources.reading import assert_whole, boxes

from voxlake.compute.sources import Source, open_source
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.box import Box
from voxlake.platform.errors import OutOfBoundsError

RNG = np.random.default_rng(7)
SHAPE = (7, 33, 41)
U1 = RNG.integers(0, 256, SHAPE, "u1")
U2 = RNG.integers(0, 2**16, SHAPE, "u2")
U8 = RNG.integers(0, 2**64, SHAPE, "u8")
F4 = RNG.random(SHAPE, "f4")
RGB = RNG.integers(0, 256, (3, *SHAPE), "u1")
CZYX = RNG.integers(0, 2**16, (2, *SHAPE), "u2")
TCZYX = RNG.integers(0, 256, (3, 2, 4, 9, 11), "u1")

NIFTI: Any = nibabel.Nifti1Image
"""Its methods have no types."""

type Write = Callable[[Path], str]
"""Writes a file below a folder and returns its location."""


def png_stack(voxels: np.ndarray) -> Write:
    def write(folder: Path) -> str:
        for number, pixels in enumerate(voxels, 8):  # natural order: 9 before 10
            (folder / f"s{number}.png").write_bytes(
                imagecodecs.png_encode(np.ascontiguousarray(pixels))
            )
        return str(folder)

    return write


def tiff_stack(voxels: np.ndarray, **options: Any) -> Write:
    def write(folder: Path) -> str:
        for number, pixels in enumerate(voxels):
            tifffile.imwrite(folder / f"a_{number:03}.tif", pixels, **options)
        return str(folder / "a_*.tif")

    return write


def tiff(voxels: np.ndarray, **options: Any) -> Write:
    def write(folder: Path) -> str:
        tifffile.imwrite(folder / "v.tif", voxels, **options)
        return str(folder / "v.tif")

    return write


def hdf5(voxels: np.ndarray, inner: str = "", **options: Any) -> Write:
    def write(folder: Path) -> str:
        with h5py.File(folder / "v.h5", "w") as file:
            file.create_dataset("main/raw", data=voxels, **options)
            if inner:
                file.create_dataset("other", data=np.zeros(3))
        return f"{folder / 'v.h5'}{inner}"

    return write


def npy(voxels: np.ndarray) -> Write:
    def write(folder: Path) -> str:
        np.save(folder / "v.npy", voxels)
        return str(folder / "v.npy")

    return write


def nifti(voxels: np.ndarray, suffix: str) -> Write:
    def write(folder: Path) -> str:
        image = NIFTI(voxels.T, np.eye(4), dtype=voxels.dtype)
        image.header.set_zooms((4, 5, 40, 1)[: voxels.ndim])
        image.header.set_xyzt_units("micron")
        nibabel.save(image, folder / f"v{suffix}")
        return str(folder / f"v{suffix}")

    return write


def zarr_array(voxels: np.ndarray, version: int, names: tuple[str, ...] | None = None) -> Write:
    def write(folder: Path) -> str:
        zarr.create_array(
            folder / "v.zarr",
            data=voxels,
            chunks=tuple(min(16, n) for n in voxels.shape),
            zarr_format=version,  # type: ignore[arg-type]  # 2 or 3
            dimension_names=names,
        )
        return str(folder / "v.zarr")

    return write


def ome_zarr(version: str) -> Write:
    def write(folder: Path) -> str:
        is_v2 = version == "0.4"
        group = zarr.open_group(folder / "v.zarr", mode="w", zarr_format=2 if is_v2 else 3)
        group.create_array("s0", data=CZYX, chunks=(1, 4, 16, 16))
        group.create_array("s1", data=CZYX[:, ::2, ::2, ::2], chunks=(1, 4, 16, 16))
        space = [{"name": n, "type": "space", "unit": "nanometer"} for n in "zyx"]
        multiscale: dict[str, Any] = {
            "axes": [{"name": "c", "type": "channel"}, *space],
            "datasets": [
                {
                    "path": f"s{k}",
                    "coordinateTransformations": [
                        {"type": "scale", "scale": [1, 40 << k, 4 << k, 4 << k]}
                    ],
                }
                for k in (0, 1)
            ],
            "version": version,
        }
        document: dict[str, Any] = {"version": version, "multiscales": [multiscale]}
        group.attrs.update(document if is_v2 else {"ome": document})
        return str(folder / "v.zarr")

    return write


IMAGEJ = {"spacing": 3.0, "unit": "um", "axes": "ZYX"}
OME = {
    "axes": "ZCYX",
    "PhysicalSizeX": 4.0,
    "PhysicalSizeXUnit": "nm",
    "PhysicalSizeY": 4.0,
    "PhysicalSizeYUnit": "nm",
    "PhysicalSizeZ": 0.04,
    "PhysicalSizeZUnit": "µm",
}
NM = VoxelSize(40, 4, 4, "nanometer")
MICRON = VoxelSize(40, 5, 4, "micrometer")

CASES: dict[str, tuple[Write, np.ndarray, VoxelSize | None]] = {
    "png 8": (png_stack(U1), U1, None),
    "png 16": (png_stack(U2), U2, None),
    "png RGB": (png_stack(np.moveaxis(RGB, 0, -1)), RGB, None),
    "tiff stack": (tiff_stack(U2), U2, None),
    "tiff stack float": (tiff_stack(F4), F4, None),
    "tiff stack tiles": (tiff_stack(U1, tile=(16, 16), compression="lzw"), U1, None),
    "tiff stack planes": (
        tiff_stack(RGB.swapaxes(0, 1), photometric="rgb", planarconfig="separate"),
        RGB,
        None,
    ),
    "tiff": (tiff(U1, metadata=None), U1, None),
    "tiff big-endian": (tiff(U2, byteorder=">"), U2, None),
    "tiff deflate": (tiff(U2, compression="zlib", predictor=True, rowsperstrip=5), U2, None),
    "tiff tiles": (tiff(U1, tile=(16, 32), compression="zlib"), U1, None),
    "tiff big": (tiff(U1, bigtiff=True), U1, None),
    "imagej": (
        tiff(U2, imagej=True, resolution=(0.5, 0.25), metadata=IMAGEJ),
        U2,
        VoxelSize(3, 4, 2, "micrometer"),
    ),
    "ome-tiff": (tiff(CZYX.swapaxes(0, 1), ome=True, metadata=OME), CZYX, NM),
    "ome-tiff deflate": (
        tiff(CZYX.swapaxes(0, 1), ome=True, metadata=OME, compression="zlib"),
        CZYX,
        NM,
    ),
    "ome-tiff RGB": (
        tiff(np.moveaxis(RGB, 0, -1), ome=True, metadata={"axes": "ZYXS"}, photometric="rgb"),
        RGB,
        None,
    ),
    "ome-tiff 5-D": (tiff(TCZYX, ome=True, metadata={"axes": "TCZYX"}), TCZYX, None),
    "hdf5": (hdf5(U8, chunks=(4, 16, 16), compression="gzip"), U8, None),
    "hdf5 inner": (hdf5(F4, "::/main/raw"), F4, None),
    "hdf5 5-D big-endian": (hdf5(TCZYX.astype(">u2")), TCZYX.astype("u2"), None),
    "npy": (npy(U8), U8, None),
    "npy Fortran big-endian": (npy(np.asfortranarray(U2.astype(">u2"))), U2, None),
    "npy 2-D": (npy(U1[0]), U1[:1], None),
    "nifti": (nifti(U2, ".nii"), U2, MICRON),
    "nifti packed": (nifti(F4, ".nii.gz"), F4, MICRON),
    "nifti times": (nifti(CZYX, ".nii"), CZYX, MICRON),
    "zarr v2": (zarr_array(U8, 2), U8, None),
    "zarr v3": (zarr_array(U2, 3), U2, None),
    "zarr named": (zarr_array(U2.T, 3, ("x", "y", "z")), U2, None),
    "ome-zarr 0.4": (ome_zarr("0.4"), CZYX, NM),
    "ome-zarr 0.5": (ome_zarr("0.5"), CZYX, NM),
}


@pytest.fixture(scope="module", params=CASES)
def case(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Source, np.ndarray, VoxelSize | None]:
    write, voxels, voxel_size = CASES[request.param]
    location = write(tmp_path_factory.mktemp("source"))
    return open_source(location), voxels, voxel_size


@settings(max_examples=15)
@given(data=st.data())
def test_any_box_equals_numpy(
    case: tuple[Source, np.ndarray, VoxelSize | None], data: st.DataObject
) -> None:
    source, voxels, _ = case
    box = data.draw(boxes(voxels.shape))
    found = source.read(box)
    assert found.flags.c_contiguous
    assert found.dtype == source.dtype == voxels.dtype.newbyteorder("=")
    assert found.shape == box.shape
    np.testing.assert_array_equal(found, voxels[box.slices])


def test_whole_and_what_it_says(case: tuple[Source, np.ndarray, VoxelSize | None]) -> None:
    source, voxels, voxel_size = case
    source.check()
    assert source.shape == voxels.shape
    assert source.axes[-3:] == ("z", "y", "x")
    assert len(source.axes) == voxels.ndim
    assert source.calibration.voxel_size == voxel_size
    np.testing.assert_array_equal(source.read(Box.of_shape(voxels.shape)), voxels)


def test_a_box_outside_is_refused(case: tuple[Source, np.ndarray, VoxelSize | None]) -> None:
    source, voxels, _ = case
    outside = Box.of_shape(tuple(n + 1 for n in voxels.shape))
    with pytest.raises(OutOfBoundsError):
        source.read(outside)


def test_jpeg_stack_equals_its_decoder(tmp_path: Path) -> None:
    smooth = np.add.outer(np.arange(40), np.arange(50)).astype("u1")
    for number in (1, 2):
        (tmp_path / f"{number}.jpg").write_bytes(imagecodecs.jpeg8_encode(smooth, level=90))
    source = open_source(str(tmp_path))
    source.check()
    oracle = imagecodecs.jpeg8_decode((tmp_path / "1.jpg").read_bytes())
    np.testing.assert_array_equal(source.read(Box((1, 3, 5), (2, 20, 30)))[0], oracle[3:20, 5:30])


def test_colour_jpeg_has_channels(tmp_path: Path) -> None:
    pixels = np.full((16, 16, 3), (200, 100, 50), "u1")
    (tmp_path / "one.jpeg").write_bytes(imagecodecs.jpeg8_encode(pixels, level=95))
    source = open_source(str(tmp_path / "one.jpeg"))
    assert (source.axes, source.shape) == (("c", "z", "y", "x"), (3, 1, 16, 16))
    means = source.read(Box.of_shape(source.shape)).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(means, (200, 100, 50), atol=3)


@pytest.mark.parametrize(
    ("dtype", "held"), [("i2", "f4"), ("u1", "f4"), ("i4", "f8"), ("f8", "f8"), ("f4", "f4")]
)
def test_scaled_nifti_reads_scaled_values(tmp_path: Path, dtype: str, held: str) -> None:
    voxels = (U2.T % 200).astype(dtype) + np.dtype(dtype).type(0)
    nibabel.save(NIFTI(voxels, np.eye(4), dtype=dtype), tmp_path / "v.nii")
    with (tmp_path / "v.nii").open("r+b") as file:  # nibabel writes no scaling of its own accord
        file.seek(112)
        file.write(np.array([0.3, -3], "<f4").tobytes())
    stored: Any = nibabel.load(tmp_path / "v.nii")
    source = open_source(str(tmp_path / "v.nii"))
    assert source.dtype == np.dtype(held)
    assert_whole(source, np.asarray(stored.dataobj).T.astype(held))


def test_hdf5_says_its_voxel_size(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "v.h5", "w") as file:
        file["raw"] = U1
        file["raw"].attrs["element_size_um"] = (0.04, 0.004, 0.004)
    assert open_source(str(tmp_path / "v.h5")).calibration.voxel_size == VoxelSize(
        0.04, 0.004, 0.004, "micrometer"
    )


def test_zarr_in_a_zip(tmp_path: Path) -> None:
    with zarr.storage.ZipStore(tmp_path / "v.zarr.zip", mode="w") as store:
        zarr.create_array(store, data=U1, chunks=(4, 16, 16))
    source = open_source(str(tmp_path / "v.zarr.zip"))
    np.testing.assert_array_equal(source.read(Box.of_shape(U1.shape)), U1)


def test_packed_nifti_unpacks_to_the_same(tmp_path: Path) -> None:
    plain = nifti(U2, ".nii")(tmp_path)
    (tmp_path / "p.nii.gz").write_bytes(gzip.compress(Path(plain).read_bytes()))
    box = Box((1, 2, 3), (5, 30, 40))
    packed = open_source(str(tmp_path / "p.nii.gz")).read(box)
    np.testing.assert_array_equal(packed, open_source(plain).read(box))
