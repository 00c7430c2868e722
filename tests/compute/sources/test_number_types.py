"""Types that viewers do not draw are read as those that hold them exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
import tifffile
import zarr
from tests.compute.sources.reading import assert_whole

from voxlake.compute.sources import open_source
from voxlake.ngff.grid.box import Box

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RNG = np.random.default_rng(9)
HALVES = RNG.normal(size=(6, 17, 25)).astype("f2")
HALVES[0, 0, :3] = np.nan, np.inf, 6e-8
MASK = RNG.random((6, 17, 25)) > 0.5


def npy(folder: Path, voxels: np.ndarray) -> str:
    np.save(folder / "v.npy", voxels)
    return str(folder / "v.npy")


def hdf5(folder: Path, voxels: np.ndarray) -> str:
    with h5py.File(folder / "v.h5", "w") as file:
        file["v"] = voxels
    return str(folder / "v.h5")


def zarr2(folder: Path, voxels: np.ndarray) -> str:
    zarr.create_array(folder / "v.zarr", data=voxels, chunks=(3, 8, 8), zarr_format=2)
    return str(folder / "v.zarr")


def tiff(**options: Any) -> Callable[[Path, np.ndarray], str]:
    def write(folder: Path, voxels: np.ndarray) -> str:
        tifffile.imwrite(folder / "v.tif", voxels, photometric="minisblack", **options)
        return str(folder / "v.tif")

    return write


def slices(**options: Any) -> Callable[[Path, np.ndarray], str]:
    def write(folder: Path, voxels: np.ndarray) -> str:
        for number, plane in enumerate(voxels):
            path = folder / f"s{number}.tif"
            tifffile.imwrite(path, plane, photometric="minisblack", **options)
        return str(folder)

    return write


WRITERS = [npy, hdf5, zarr2, tiff(), tiff(compression="zlib"), slices(), slices(compression="zlib")]


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize(("voxels", "dtype"), [(HALVES, "f4"), (MASK, "u1")])
def test_voxels_are_held_exactly(
    tmp_path: Path, write: Callable[[Path, np.ndarray], str], voxels: np.ndarray, dtype: str
) -> None:
    source = open_source(write(tmp_path, voxels))
    assert source.dtype == dtype
    assert_whole(source, voxels.astype(dtype))
    out = np.empty((2, 9, 11), dtype)
    box = Box((1, 3, 5), (3, 12, 16))
    assert hasattr(source, "read_into")
    source.read_into(box, out)
    np.testing.assert_array_equal(out, voxels[box.slices].astype(dtype))
