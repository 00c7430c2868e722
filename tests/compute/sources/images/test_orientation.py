"""An image that asks to be turned is asked about: its voxels are read as they are stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps
from tests.compute.sources.reading import assert_whole, fails

from voxlake.compute.sources import open_source

if TYPE_CHECKING:
    from pathlib import Path

TURNS = {
    2: "mirrored along x",
    3: "turned by 180 degrees",
    4: "mirrored along y",
    5: "mirrored, with x and y swapped",
    6: "turned by 90 degrees",
    7: "mirrored, with x and y swapped, and turned by 180 degrees",
    8: "turned by 270 degrees",
}
PIXELS = np.random.default_rng(3).integers(0, 255, (3, 16, 24), np.uint8)


def write_tiff(path: Path, pixels: np.ndarray, orientation: int, **how: Any) -> None:
    tag = (274, "H", 1, orientation, True)
    tifffile.imwrite(path, pixels, photometric="minisblack", extratags=[tag], **how)


def write_jpeg(path: Path, pixels: np.ndarray, orientation: int) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(pixels).save(path, quality=100, exif=exif)


@pytest.mark.parametrize("orientation", [0, 1, *TURNS, 9])
@pytest.mark.parametrize("how", [{}, {"compression": "zlib"}], ids=["plain", "coded"])
def test_tiff(tmp_path: Path, orientation: int, how: dict[str, Any]) -> None:
    write_tiff(tmp_path / "volume.tif", PIXELS, orientation, **how)
    slices = tmp_path / "slices"
    slices.mkdir()
    for number, pixels in enumerate(PIXELS):
        write_tiff(slices / f"{number}.tif", pixels, orientation, **how)
    for location in (tmp_path / "volume.tif", slices):
        source = open_source(str(location))
        assert_whole(source, PIXELS)
        said = list(source.calibration.unplaced())
        if orientation in TURNS:
            assert said == [f"an orientation tag of {orientation} ({TURNS[orientation]})"]
        else:
            assert said == []


@pytest.mark.parametrize("orientation", [1, 6])
def test_jpeg(tmp_path: Path, orientation: int) -> None:
    for number, pixels in enumerate(PIXELS):
        write_jpeg(tmp_path / f"{number}.jpg", pixels, orientation)
    source = open_source(str(tmp_path))
    assert source.shape == PIXELS.shape
    assert bool(source.calibration.lost) is (orientation != 1)


@pytest.mark.parametrize("orientation", TURNS)
def test_the_words_are_what_others_do(orientation: int) -> None:
    """Pillow turns a picture as the words have it."""
    image = Image.fromarray(PIXELS[0])
    image.getexif()[274] = orientation
    turned = np.asarray(ImageOps.exif_transpose(image))
    words, pixels = TURNS[orientation], PIXELS[0]
    if "along x" in words:
        pixels = pixels[:, ::-1]
    if "along y" in words:
        pixels = pixels[::-1]
    if "swapped" in words:
        pixels = pixels.T
    for degrees in (90, 180, 270):  # clockwise
        if f"turned by {degrees}" in words:
            pixels = np.rot90(pixels, -degrees // 90)
    np.testing.assert_array_equal(turned, pixels)


def test_slices_that_are_turned_in_different_ways(tmp_path: Path) -> None:
    for number, pixels in enumerate(PIXELS):
        write_tiff(tmp_path / f"{number}.tif", pixels, 3 if number == 2 else 1)
    fails(tmp_path, "2.tif (16 x 24 uint8, orientation 3)")
