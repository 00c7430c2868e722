"""Slices with palettes become labels by their indices, and an image by their colours."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import zarr
from PIL import Image

if TYPE_CHECKING:
    from tests.api.cli.conftest import Command

RNG = np.random.default_rng(8)
INDEX = RNG.integers(0, 200, (3, 30, 40), np.uint8)
RGB = RNG.integers(0, 256, (256, 3), np.uint8)


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".gif"])
def test_from_the_plan_to_verify(voxlake: Command, tmp_path: Path, suffix: str) -> None:
    folder = tmp_path / "slices"
    folder.mkdir()
    for number, plane in enumerate(INDEX):
        image = Image.fromarray(plane, "P")
        image.putpalette(RGB.tobytes())
        image.save(folder / f"s{number}{suffix}", optimize=False)
    for kind, words, expected in (
        ("labels", "uint8, indices into a palette", INDEX),
        ("image", "3 channels, uint8, colours of a palette", np.moveaxis(RGB[INDEX], -1, 0)),
    ):
        asked = ("--kind", kind, "--voxel-size", "9nm")
        plan = voxlake("plan", folder, f"a/b/{kind}", *asked).ok()
        assert plan["understood"] == f"3 x 30 x 40 zyx, {words}, 9 x 9 x 9 nm"
        voxlake("ingest", folder, f"a/b/{kind}", *asked).ok()
        stored = zarr.open_group(Path(voxlake.lake) / f"a/b/{kind}.ome.zarr", mode="r")["0"]
        assert isinstance(stored, zarr.Array)
        np.testing.assert_array_equal(np.asarray(stored[...]), expected)
        assert voxlake("verify", f"a/b/{kind}", "--source", folder).ok()["state"] == "done"
