"""What a format is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

type Encode = Callable[
    [Iterator[npt.NDArray[Any]], tuple[int, ...], np.dtype[Any]], Iterator[memoryview]
]
"""Turns voxels of a shape and type into the parts of a body, in their order; called in threads.

The voxels, C order, come in blocks along the first long axis. Parts may share memory with blocks; a
block that was yielded is not kept.
"""

type Measure = Callable[[tuple[int, ...], np.dtype[Any]], int]
"""Tells the bytes of a body of voxels of a shape and type, before one is read."""

type Accepts = Callable[[np.dtype[Any], int], bool]
"""Tells whether voxels of a type and a number of axes can be encoded, before one is read."""


def any_dtype(dtype: np.dtype[Any], ndim: int) -> bool:  # noqa: ARG001  (an Accepts)
    """Accept everything."""
    return True


@dataclass(frozen=True, slots=True)
class Offer:
    """One way to answer."""

    name: str
    """Value of ``?format=``."""
    media_type: str
    """Value of ``Accept`` and ``Content-Type``."""


@dataclass(frozen=True, slots=True)
class Format(Offer):
    """One way to send a cutout."""

    suffix: str
    """Ending of a file of this format, with its dot."""
    encode: Encode
    measure: Measure
    accepts: Accepts = any_dtype


def as_bytes(voxels: npt.NDArray[Any]) -> memoryview:
    """Return the voxels' memory as it lies, C order and little-endian, without a copy."""
    little = voxels.astype(voxels.dtype.newbyteorder("<"), copy=False)
    return memoryview(np.ascontiguousarray(little).reshape(-1).view(np.uint8))
