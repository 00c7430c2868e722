"""TIFF files that say that 0 is white: read as stored, and told; bossDB's tiles as bossDB did."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from PIL import Image
from tests.compute.sources.reading import assert_whole

from voxlake.compute.sources import open_source
from voxlake.compute.sources.boss_ingest.tile_image import decode_tile
from voxlake.compute.sources.looks.looking import look_at
from voxlake.compute.sources.preview import preview

if TYPE_CHECKING:
    from pathlib import Path

PIXELS = np.random.default_rng(3).integers(0, 255, (3, 16, 24), np.uint8)
SAID = "0 is white, values as stored"


def written(folder: Path, photometric: str) -> list[str]:
    """Write a volume, and the same as slices; return the locations."""
    slices = folder / "slices"
    slices.mkdir()
    tifffile.imwrite(folder / "v.tif", PIXELS, photometric=photometric)
    for number, pixels in enumerate(PIXELS):
        tifffile.imwrite(slices / f"{number}.tif", pixels, photometric=photometric)
    return [str(folder / "v.tif"), str(slices)]


def test_they_are_read_as_stored_and_told(tmp_path: Path) -> None:
    for location in written(tmp_path, "miniswhite"):
        source = open_source(location)
        assert_whole(source, PIXELS)
        assert SAID in preview(source)
        assert look_at(location).told.remark == SAID


def test_others_are_not(tmp_path: Path) -> None:
    for location in written(tmp_path, "minisblack"):
        assert "white" not in preview(open_source(location))


def test_one_that_says_nothing_is_none(tmp_path: Path) -> None:
    path = tmp_path / "v.tif"
    tifffile.imwrite(path, PIXELS[0], photometric="minisblack", compression="zlib")
    with tifffile.TiffFile(path) as tif:
        offset = tif.pages.first.tags[262].offset
    body = bytearray(path.read_bytes())
    body[offset : offset + 2] = (253).to_bytes(2, "little")  # a tag of no meaning
    path.write_bytes(body)
    assert "white" not in preview(open_source(str(path)))


@pytest.mark.parametrize("photometric", ["miniswhite", "minisblack"])
@pytest.mark.parametrize("dtype", ["bool", "uint8", "uint16"])
def test_tiles_are_as_pillow_reads_them(photometric: str, dtype: str) -> None:
    file, pixels = io.BytesIO(), PIXELS[0].astype(dtype)
    tifffile.imwrite(file, pixels, photometric=photometric)
    with Image.open(file) as image:
        np.testing.assert_array_equal(decode_tile(file.getvalue()), np.asarray(image))
