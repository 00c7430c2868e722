"""A look at a source tells what an ingest of it would find, and shows its middle slice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
import zarr

from voxlake.compute.sources.looks import middle_slice
from voxlake.compute.sources.looks.looking import look_at
from voxlake.documents.jobs.look import SliceFiles, pack_voxels, unpack_voxels

if TYPE_CHECKING:
    from pathlib import Path

    from voxlake.compute.sources.looks.looking import Look

RANDOM = np.random.default_rng(7)


def slices_in(folder: Path, numbers: list[int], shape: tuple[int, int] = (6, 8)) -> np.ndarray:
    """Write a TIFF for each number; return the voxels."""
    folder.mkdir()
    voxels = RANDOM.integers(0, 200, (len(numbers), *shape)).astype(np.uint8)
    for number, plane in zip(numbers, voxels, strict=True):
        tifffile.imwrite(folder / f"em_{number:03}.tif", plane)
    return voxels


def pixels(look: Look) -> np.ndarray:
    """Return the voxels that are drawn."""
    assert look.picture is not None
    return look.picture


def test_a_stack_is_told_with_its_files_and_its_middle_slice(tmp_path: Path) -> None:
    voxels = slices_in(tmp_path / "em", [3, 4, 5, 6, 7])
    look = look_at(str(tmp_path / "em" / "*.tif"))
    told = look.told
    assert told.refused is None
    assert (told.kind, told.axes, told.shape, told.dtype) == (
        "stack",
        ("z", "y", "x"),
        (5, 6, 8),
        "uint8",
    )
    assert told.files == SliceFiles(count=5, first="em_003.tif", last="em_007.tif")
    assert told.as_kind == "image"
    assert told.voxel_size is None
    assert told.slice is not None
    assert told.slice.z == 2
    np.testing.assert_array_equal(pixels(look), voxels[2])


def test_slices_that_are_missing_are_named_and_it_is_refused(tmp_path: Path) -> None:
    slices_in(tmp_path / "em", [1, 2, 4, 9])
    told = look_at(str(tmp_path / "em")).told
    assert told.files is not None
    assert (told.files.missing, told.files.missing_count) == ((3, 5, 6, 7, 8), 5)
    assert told.refused is not None
    assert "lacks slices" in told.refused
    assert told.shape == (4, 6, 8), "what is there is told all the same"


def test_what_a_source_says_of_sizes_and_channels_is_told(tmp_path: Path) -> None:
    voxels = RANDOM.integers(0, 4000, (2, 5, 7, 9)).astype(np.uint16)
    tifffile.imwrite(
        tmp_path / "dyes.ome.tif",
        voxels,
        metadata={
            "axes": "CZYX",
            "PhysicalSizeX": 0.25,
            "PhysicalSizeY": 0.25,
            "PhysicalSizeZ": 1.5,
        },
    )
    look = look_at(str(tmp_path / "dyes.ome.tif"))
    assert look.told.axes == ("c", "z", "y", "x")
    assert look.told.voxel_size == (1.5, 0.25, 0.25)
    assert look.told.unit == "micrometer"
    np.testing.assert_array_equal(pixels(look), voxels[0, 2])


def test_wide_integers_look_like_labels_and_no_ids_are_made_up(tmp_path: Path) -> None:
    voxels = RANDOM.integers(0, 2**63, (3, 600, 700)).astype(np.uint64)
    np.save(tmp_path / "cells.npy", voxels)
    look = look_at(str(tmp_path / "cells.npy"))
    assert look.told.as_kind == "labels"
    np.testing.assert_array_equal(pixels(look), voxels[1, ::3, ::3])


def test_a_large_slice_is_averaged(tmp_path: Path) -> None:
    voxels = RANDOM.integers(0, 255, (1, 512, 512)).astype(np.uint8)
    np.save(tmp_path / "em.npy", voxels)
    expected = np.rint(voxels[0].reshape(256, 2, 256, 2).mean(axis=(1, 3)))
    np.testing.assert_array_equal(pixels(look_at(str(tmp_path / "em.npy"))), expected)


def test_no_more_is_decoded_than_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    voxels = RANDOM.integers(0, 255, (16, 64, 64)).astype(np.uint8)
    path = tmp_path / "em.zarr"
    zarr.create_array(path / "0", data=voxels, chunks=(16, 16, 16))
    monkeypatch.setattr(middle_slice, "MOST_DECODED", 16 * 32 * 32)
    look = look_at(f"{path}/0")
    assert look.told.slice is not None
    assert (look.told.slice.y, look.told.slice.x) == ((16, 48), (16, 48))
    np.testing.assert_array_equal(pixels(look), voxels[8, 16:48, 16:48])
    monkeypatch.setattr(middle_slice, "MOST_DECODED", 16**3 - 1)
    look = look_at(f"{path}/0")
    assert look.told.slice is None
    assert look.picture is None
    assert look.told.refused is None


def test_what_cannot_be_read_is_refused_and_no_failure(tmp_path: Path) -> None:
    assert "is not there" in (look_at(str(tmp_path / "nothing")).told.refused or "")
    (tmp_path / "torn.npy").write_bytes(b"torn")
    assert look_at(str(tmp_path / "torn.npy")).told.refused
    np.save(tmp_path / "pixels.npy", np.zeros((3, 4, 5, 6), np.uint8))
    doubtful = look_at(str(tmp_path / "pixels.npy")).told
    if doubtful.refused:
        assert "axes" in doubtful.refused


@pytest.mark.parametrize("dtype", ["uint8", "uint64", "float32"])
def test_a_few_voxels_are_packed_and_unpacked(dtype: str) -> None:
    voxels = RANDOM.integers(0, 99, (3, 5)).astype(dtype)
    found = unpack_voxels(pack_voxels(voxels))
    assert found.dtype == voxels.dtype
    np.testing.assert_array_equal(found, voxels)
