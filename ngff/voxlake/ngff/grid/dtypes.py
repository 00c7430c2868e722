"""The dtypes of voxels: which ones are stored, and as what."""

from __future__ import annotations

from typing import Literal

import numpy as np

from voxlake.ngff.grid.layout import Kind
from voxlake.platform.errors import UnsupportedError

NumberType = Literal[
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "int8",
    "int16",
    "int32",
    "int64",
    "float32",
    "float64",
]
"""Names of the types of voxels in documents and locations of others."""

IMAGE_DTYPES = ("uint8", "uint16", "uint32", "int8", "int16", "int32", "float32")
"""What the viewers of the field can draw."""

LABEL_DTYPES = ("uint8", "uint16", "uint32", "uint64")
"""What a label index is made of; what is ingested becomes the last."""


def check_dtype(kind: Kind, dtype: np.dtype) -> np.dtype:
    """Return the dtype under which voxels of `dtype` are stored.

    Raises
    ------
    UnsupportedError
        If a dataset of that kind cannot hold them.

    Examples
    --------
    >>> check_dtype(Kind.LABELS, np.dtype("int32"))
    dtype('uint64')
    """
    if kind is Kind.LABELS:
        if dtype.kind not in "iu":
            raise UnsupportedError(f"labels of {dtype} are not integers; convert them to uint64")
        return np.dtype("uint64")
    if dtype.name not in IMAGE_DTYPES:
        raise UnsupportedError(
            f"an image of {dtype} cannot be stored; convert it to one of {', '.join(IMAGE_DTYPES)}"
        )
    return dtype.newbyteorder("=")
