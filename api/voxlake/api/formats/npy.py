"""NumPy's own file format (NEP 1): a header, then the voxels."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from voxlake.api.formats.format import Format, as_bytes


def encode(
    blocks: Iterator[npt.NDArray[Any]], shape: tuple[int, ...], dtype: np.dtype[Any]
) -> Iterator[memoryview]:
    """Yield the header, then the voxels without copying them."""
    yield memoryview(header(shape, dtype))
    yield from map(as_bytes, blocks)


def header(shape: tuple[int, ...], dtype: np.dtype[Any]) -> bytes:
    """Return the header of a ``.npy`` file of C-order voxels, version 1.0."""
    file = io.BytesIO()
    described = {
        "descr": np.lib.format.dtype_to_descr(dtype.newbyteorder("<")),
        "fortran_order": False,
        "shape": shape,
    }
    np.lib.format.write_array_header_1_0(file, described)
    return file.getvalue()


def measure(shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    """Return the bytes of header and voxels."""
    return len(header(shape, dtype)) + math.prod(shape) * dtype.itemsize


NPY = Format("npy", "application/x-npy", ".npy", encode, measure)
