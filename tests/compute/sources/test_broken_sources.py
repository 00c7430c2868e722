"""Every broken input is refused with what is wrong in the message, and never read in part."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import h5py
import imagecodecs
import nibabel
import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image

from voxlake.compute.sources import open_source, openers
from voxlake.ngff.grid.box import Box
from voxlake.platform.errors import SourceError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RNG = np.random.default_rng(3)
VOXELS = RNG.integers(0, 256, (5, 32, 32), "u1")


def png(path: Path, pixels: np.ndarray) -> None:
    path.write_bytes(imagecodecs.png_encode(pixels))


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    """A good stack of five slices, 1 to 5."""
    for number, pixels in enumerate(VOXELS, 1):
        png(tmp_path / f"em_{number:02}.png", pixels)
    return tmp_path


def fails(location: object, *words: str) -> None:
    """Assert that opening or checking raises an error that holds all `words`."""
    with pytest.raises((SourceError, UnsupportedError)) as caught:
        open_source(str(location)).check()
    for word in words:
        assert word in str(caught.value)


def cut(path: Path, share: float) -> None:
    body = path.read_bytes()
    path.write_bytes(body[: int(len(body) * share)])


def test_the_stack_is_good(stack: Path) -> None:
    open_source(str(stack)).check()


def test_missing_slice_is_named(stack: Path) -> None:
    (stack / "em_03.png").unlink()
    fails(stack, "lacks slices: 3", "em_01.png", "em_05.png")


def test_many_missing_slices_are_counted(stack: Path) -> None:
    png(stack / "em_99.png", VOXELS[0])
    fails(stack, "6, 7, 8, 9, 10, 11, 12, 13, 14, 15 and 83 more")


def test_two_slices_apart_are_a_gap(tmp_path: Path) -> None:
    for number in (1, 3):
        png(tmp_path / f"{number}.png", VOXELS[0])
    fails(tmp_path, "lacks slices: 2")


def test_other_numbers_in_names_do_not_matter(tmp_path: Path) -> None:
    for number, stamp in enumerate((1131, 1245, 1307), 7):
        png(tmp_path / f"run2_z{number}_t{stamp}.png", VOXELS[number - 7])
    source = open_source(str(tmp_path))
    source.check()
    np.testing.assert_array_equal(source.read(Box.of_shape(source.shape)), VOXELS[:3])


def test_names_without_numbers_are_in_order(tmp_path: Path) -> None:
    for name, pixels in zip("cab", VOXELS, strict=False):
        png(tmp_path / f"{name}.png", pixels)
    source = open_source(str(tmp_path))
    source.check()
    np.testing.assert_array_equal(source.read(Box.of_shape(source.shape)), VOXELS[[1, 2, 0]])


def test_names_that_count_two_things(tmp_path: Path) -> None:
    for name in ("r1_c1", "r1_c2", "r2_c1", "r2_c2"):
        png(tmp_path / f"{name}.png", VOXELS[0])
    fails(tmp_path, "no single number counts the slices")


def test_file_of_another_pattern_is_named(stack: Path) -> None:
    png(stack / "thumbnail.png", VOXELS[0])
    fails(stack, "thumbnail.png", "different patterns")


def test_two_files_for_one_slice(stack: Path) -> None:
    tifffile.imwrite(stack / "em_02.tif", VOXELS[1])
    fails(stack, "em_02.png", "em_02.tif", "more than one file")


def test_same_number_with_other_zeros(stack: Path) -> None:
    png(stack / "em_2.png", VOXELS[1])
    fails(stack, "em_02.png", "em_2.png", "more than one file")


@pytest.mark.parametrize(
    ("odd", "shown"),
    [
        (VOXELS[0][:31], "31 x 32 uint8"),
        (VOXELS[0].astype("u2"), "32 x 32 uint16"),
        (np.stack([VOXELS[0]] * 3, -1), "32 x 32 x 3 samples uint8"),
    ],
)
def test_odd_slice_is_named(stack: Path, odd: np.ndarray, shown: str) -> None:
    png(stack / "em_04.png", odd)
    fails(stack, f"em_04.png ({shown})")


def test_slice_that_changed_is_not_read(stack: Path) -> None:
    source = open_source(str(stack))
    png(stack / "em_04.png", VOXELS[0][:31, :31])
    with pytest.raises(SourceError, match=r"em_04\.png"):
        source.read(Box((0, 0, 0), (5, 32, 32)))


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.98])
def test_truncated_png(stack: Path, share: float) -> None:
    source = open_source(str(stack))
    cut(stack / "em_04.png", share)
    fails(stack, "em_04.png")
    with pytest.raises(SourceError, match=r"em_04\.png"):
        source.read(Box((0, 0, 0), (5, 32, 32)))


def test_flipped_bit_in_png(stack: Path) -> None:
    body = bytearray((stack / "em_04.png").read_bytes())
    body[len(body) // 2] ^= 4
    (stack / "em_04.png").write_bytes(body)
    with pytest.raises(SourceError, match=r"em_04\.png"):
        open_source(str(stack)).read(Box((3, 0, 0), (4, 2, 2)))


@pytest.mark.parametrize("share", [0.01, 0.5, 0.95])
def test_truncated_jpeg(tmp_path: Path, share: float) -> None:
    for number in (1, 2):
        (tmp_path / f"{number}.jpg").write_bytes(imagecodecs.jpeg8_encode(VOXELS[0]))
    source = open_source(str(tmp_path))
    cut(tmp_path / "2.jpg", share)
    fails(tmp_path, "2.jpg")
    with pytest.raises(SourceError, match=r"2\.jpg"):
        source.read(Box((0, 0, 0), (2, 32, 32)))


@pytest.mark.parametrize("share", [0.001, 0.3, 0.6, 0.9, 0.99])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("metadata", [{}, None])
def test_truncated_tiff(
    tmp_path: Path, share: float, compression: str | None, metadata: dict[str, str] | None
) -> None:
    path = tmp_path / "v.tif"
    tifffile.imwrite(path, VOXELS, compression=compression, metadata=metadata)
    open_source(str(path)).check()
    cut(path, share)
    fails(path, "v.tif")


@pytest.mark.parametrize("share", [0.4, 0.9])
@pytest.mark.parametrize("options", [{"ome": True}, {"imagej": True}])
def test_truncated_tiff_with_metadata(
    tmp_path: Path, share: float, options: dict[str, bool]
) -> None:
    path = tmp_path / "v.tif"
    tifffile.imwrite(path, VOXELS, ome=options.get("ome"), imagej="imagej" in options)
    open_source(str(path)).check()
    cut(path, share)
    fails(path, "v.tif")


def test_truncated_tiff_slice(tmp_path: Path) -> None:
    for number in (1, 2):
        tifffile.imwrite(tmp_path / f"{number}.tif", VOXELS[0], compression="zlib")
    tifffile.imwrite(tmp_path / "2.tif", VOXELS[0], metadata=None)
    cut(tmp_path / "2.tif", 0.8)
    fails(tmp_path, "2.tif", "truncated")
    with pytest.raises(SourceError, match=r"2\.tif"):
        open_source(str(tmp_path)).read(Box((0, 0, 0), (2, 32, 32)))


def test_tiff_slice_that_is_a_negative(tmp_path: Path) -> None:
    for number, plane in enumerate(VOXELS):
        white = "miniswhite" if number == 3 else "minisblack"
        tifffile.imwrite(tmp_path / f"s{number}.tif", plane, photometric=white)
    fails(tmp_path, "unlike its first, s0.tif", "s3.tif (32 x 32 uint8, 0 is white)")


def test_torn_strip_of_a_tiff_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "v.tif"
    tifffile.imwrite(path, VOXELS, compression="zlib")
    with tifffile.TiffFile(path) as tif:
        offset = tif.pages[3].dataoffsets[0]
    body = bytearray(path.read_bytes())
    body[offset + 2 : offset + 60] = bytes(58)
    path.write_bytes(body)
    source = open_source(str(path))
    np.testing.assert_array_equal(source.read(Box((0, 0, 0), (3, 32, 32))), VOXELS[:3])
    with pytest.raises(SourceError, match=r"page 3"):
        source.read(Box((0, 0, 0), (5, 32, 32)))


def test_tiff_pages_that_differ(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "v.tif") as writer:
        writer.write(VOXELS[0], metadata=None)
        writer.write(VOXELS[0][:20], metadata=None)
    fails(tmp_path / "v.tif", "2 images", "(32, 32)", "(20, 32)")


def test_ome_tiff_without_its_companion(tmp_path: Path) -> None:
    path = tmp_path / "v.ome.tif"
    tifffile.imwrite(path, VOXELS, ome=True, metadata={"axes": "ZYX"})
    xml = str(tifffile.tiffcomment(path))
    assert 'SizeZ="5"' in xml
    tifffile.tiffcomment(path, xml.replace('SizeZ="5"', 'SizeZ="7"').encode())
    fails(path, "v.ome.tif", "lacks page 5")


def test_multi_page_tiff_in_a_stack(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "1.tif", VOXELS)
    fails(tmp_path, "1.tif", "5 pages")


def other_bytes(path: Path) -> None:
    path.write_bytes(b"this is no such file, though its name says so")


@pytest.mark.parametrize(
    "name", ["a.tif", "a.h5", "a.npy", "a.nii", "a.nii.gz", "a.png", "a.jpg", "a.zarr.zip"]
)
def test_file_that_is_something_else(tmp_path: Path, name: str) -> None:
    other_bytes(tmp_path / name)
    fails(tmp_path / name, name)


def write_hdf5(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("raw", data=VOXELS, chunks=(1, 32, 32))


def write_npy(path: Path) -> None:
    np.save(path, VOXELS)


def write_nifti(path: Path) -> None:
    nibabel.save(nibabel.Nifti1Image(VOXELS.T, np.eye(4)), path)


def test_nifti_scaled_by_no_number(tmp_path: Path) -> None:
    write_nifti(tmp_path / "v.nii")
    body = bytearray((tmp_path / "v.nii").read_bytes())
    body[112:120] = np.array([1, np.nan], "<f4").tobytes()  # scl_slope, scl_inter
    (tmp_path / "v.nii").write_bytes(body)
    fails(tmp_path / "v.nii", "v.nii", "invalid intercept nan")


def test_hdf5_without_a_shape(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "v.h5", "w") as file:
        file["raw"] = h5py.Empty("u1")
    fails(tmp_path / "v.h5", "v.h5", "the shape ()")


def test_png_of_several_frames(tmp_path: Path) -> None:
    frames = [Image.fromarray(np.full((6, 7), n, "u1")) for n in range(3)]
    frames[0].save(tmp_path / "v.png", save_all=True, append_images=frames[1:])
    source = open_source(str(tmp_path / "v.png"))
    with pytest.raises(SourceError, match=r"v\.png does not decode \(it holds several frames"):
        source.read(Box((0, 0, 0), (1, 6, 7)))


@pytest.mark.parametrize(
    ("name", "write"),
    [("v.h5", write_hdf5), ("v.npy", write_npy), ("v.nii", write_nifti), ("v.nii.gz", write_nifti)],
)
@pytest.mark.parametrize("share", [0.02, 0.9])
def test_truncated_volume(
    tmp_path: Path, name: str, write: Callable[[Path], None], share: float
) -> None:
    write(tmp_path / name)
    open_source(str(tmp_path / name)).check()
    cut(tmp_path / name, share)
    fails(tmp_path / name, name)


def test_arrays_behind_the_first(tmp_path: Path) -> None:
    with (tmp_path / "v.npy").open("wb") as file:
        np.save(file, VOXELS)
        np.save(file, VOXELS)
    fails(tmp_path / "v.npy", f"{VOXELS.nbytes + 128} bytes behind its array", "(5, 32, 32)")


@pytest.mark.parametrize("name", ["v.npy", "v.tif"])
def test_a_file_that_shrinks_is_not_read(tmp_path: Path, name: str) -> None:
    """Touching a map beyond the end of its file would end the process."""
    path = tmp_path / name
    if name == "v.npy":
        write_npy(path)
    else:
        tifffile.imwrite(path, VOXELS)
    source = open_source(str(path))
    source.check()
    os.truncate(path, 500)
    with pytest.raises(SourceError, match="truncated"):
        source.read(Box.of_shape(VOXELS.shape))


def test_which_hdf5_dataset(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "v.h5", "w") as file:
        file["a"], file["b/c"] = VOXELS, VOXELS
    fails(tmp_path / "v.h5", "a, b/c", "::/NAME")
    fails(f"{tmp_path / 'v.h5'}::/b/d", "b/d", "a, b/c")
    open_source(f"{tmp_path / 'v.h5'}::/b/c").check()


def test_torn_hdf5_chunk_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "v.h5"
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("raw", data=VOXELS, chunks=(1, 32, 32), fletcher32=True)
        offset = dataset.id.get_chunk_info(2).byte_offset
    with path.open("r+b") as raw:
        raw.seek(offset)
        raw.write(bytes(64))
    with pytest.raises(SourceError, match=r"v\.h5"):
        open_source(str(path)).read(Box((0, 0, 0), (5, 32, 32)))


@pytest.mark.parametrize("array", [np.zeros((5, 5, 5), "c8"), np.zeros((5, 5, 5), "U3")])
def test_voxels_that_are_no_numbers(tmp_path: Path, array: np.ndarray) -> None:
    np.save(tmp_path / "v.npy", array)
    fails(tmp_path / "v.npy", str(array.dtype))


def test_no_python_objects_are_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.array([[[{}]]], object), allow_pickle=True)
    fails(tmp_path / "v.npy", "v.npy")


@pytest.mark.parametrize("shape", [(9,), (1, 1, 1, 1, 2, 2), (0, 4, 4)])
def test_shapes_without_a_meaning(tmp_path: Path, shape: tuple[int, ...]) -> None:
    np.save(tmp_path / "v.npy", np.zeros(shape, "u1"))
    fails(tmp_path / "v.npy", str(shape))


def test_torn_zarr_chunk_is_not_read(tmp_path: Path) -> None:
    zarr.create_array(tmp_path / "v.zarr", data=VOXELS, chunks=(5, 32, 32))
    cut(tmp_path / "v.zarr" / "c" / "0" / "0" / "0", 0.5)
    with pytest.raises(SourceError, match=r"v\.zarr"):
        open_source(str(tmp_path / "v.zarr")).read(Box((0, 0, 0), (1, 1, 1)))


def test_zarr_group_without_an_image(tmp_path: Path) -> None:
    group = zarr.open_group(tmp_path / "v.zarr", mode="w")
    fails(tmp_path / "v.zarr", "none")
    group["a"] = VOXELS
    open_source(str(tmp_path / "v.zarr")).check()
    group["b"] = VOXELS
    fails(tmp_path / "v.zarr", "a, b")


def test_empty_folder(tmp_path: Path) -> None:
    fails(tmp_path, "holds no PNG, TIFF, JPEG, BMP or GIF")


@pytest.mark.parametrize("name", ["nowhere", "v.tif", "v.h5", "v.npy", "v.nii", "v.png", "v.zarr"])
def test_nothing_there(tmp_path: Path, name: str) -> None:
    fails(tmp_path / name, name, "there")


def test_glob_that_matches_nothing(tmp_path: Path) -> None:
    fails(tmp_path / "*.png", "no file")


def test_glob_that_matches_something_else(stack: Path) -> None:
    (stack / "notes.txt").write_text("x")
    fails(stack / "*", "notes.txt")
    open_source(str(stack / "em_*.png")).check()


def test_unknown_kind(tmp_path: Path) -> None:
    (tmp_path / "v.doc").write_bytes(b"x")
    fails(tmp_path / "v.doc", ", ".join(entry.name for entry in openers()), "voxlake.sources")


@pytest.mark.parametrize("location", ["phantom:", "phantom:1,2", "phantom:0", "phantom:8?sed=1"])
def test_malformed_phantom(location: str) -> None:
    fails(location, location, "phantom:SIZE")
