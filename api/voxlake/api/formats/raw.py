"""Raw: the voxels and nothing else; shape and dtype are in the headers of the answer."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from voxlake.api.formats.format import Format, as_bytes


def encode(
    blocks: Iterator[npt.NDArray[Any]],
    shape: tuple[int, ...],  # noqa: ARG001  (an Encode)
    dtype: np.dtype[Any],  # noqa: ARG001
) -> Iterator[memoryview]:
    """Yield the voxels, C order, little-endian."""
    return map(as_bytes, blocks)


def measure(shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    """Return the bytes of the voxels."""
    return math.prod(shape) * dtype.itemsize


RAW = Format("raw", "application/octet-stream", ".raw", encode, measure)
