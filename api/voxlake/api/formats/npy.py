"""NumPy's own file format (NEP 1): a header, then the voxels."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np

from voxlake.api.formats.cutout import Blocks, Cutout, as_bytes
from voxlake.api.formats.format import Format


def encode(cutout: Cutout, blocks: Blocks) -> Iterator[memoryview]:
    """Yield the header, then the voxels without copying them."""
    yield memoryview(header(cutout))
    yield from map(as_bytes, blocks)


def header(cutout: Cutout) -> bytes:
    """Return the header of a ``.npy`` file of C-order voxels, version 1.0."""
    file = io.BytesIO()
    described = {
        "descr": np.lib.format.dtype_to_descr(cutout.dtype.newbyteorder("<")),
        "fortran_order": False,
        "shape": cutout.shape,
    }
    np.lib.format.write_array_header_1_0(file, described)
    return file.getvalue()


def measure(cutout: Cutout) -> int:
    """Return the bytes of header and voxels."""
    return len(header(cutout)) + cutout.nbytes


NPY = Format("npy", "application/x-npy", ".npy", encode, measure)
