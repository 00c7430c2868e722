"""Raw: the voxels and nothing else; shape and dtype are in the headers of the answer."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from voxlake.api.formats.format import Format, as_bytes


def encode(voxels: npt.NDArray[Any]) -> list[memoryview]:
    """Return the voxels, C order, little-endian."""
    return [as_bytes(voxels)]


def measure(shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    """Return the bytes of the voxels."""
    return math.prod(shape) * dtype.itemsize


RAW = Format("raw", "application/octet-stream", ".raw", encode, measure)
