"""Deflated npy files: NumPy reads them, and none is larger than was said before."""

from __future__ import annotations

import zlib
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.api.formats.described import described

from voxlake.api.v1.voxels.formats import BOSS_FORMATS
from voxlake.ngff.grid.box import Box

if TYPE_CHECKING:
    import numpy.typing as npt

NPYGZ = next(each for each in BOSS_FORMATS if each.name == "npygz")
SHAPE = (3, 130, 260)


def voxels_of(kind: str, dtype: str) -> npt.NDArray[Any]:
    """Return voxels that do not compress, or do in one way or another."""
    number = int(np.prod(SHAPE)) * np.dtype(dtype).itemsize
    made = {
        "noise": np.random.default_rng(3).integers(0, 256, number, np.uint8),
        "nothing": np.zeros(number, np.uint8),
        "rows": np.repeat(np.arange(number // 8 + 1), 8)[:number].astype(np.uint8),
    }
    return made[kind].view(dtype).reshape(SHAPE)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint64"])
@pytest.mark.parametrize("kind", ["noise", "nothing", "rows"])
def test_deflated_npy(kind: str, dtype: str) -> None:
    voxels = voxels_of(kind, dtype)
    cutout = described(Box.of_shape(SHAPE), voxels.dtype)
    body = b"".join(NPYGZ.encode(cutout, iter([voxels[:1], voxels[1:]])))
    np.testing.assert_array_equal(np.load(BytesIO(zlib.decompress(body))), voxels)
    assert len(body) <= NPYGZ.measure(cutout)
    assert kind == "noise" or len(body) < voxels.nbytes / 3
