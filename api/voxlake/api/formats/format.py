"""What a format is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt


class Encode(Protocol):
    """Turns voxels into the parts of a body, in the order they are sent; called in threads."""

    def __call__(
        self, blocks: Iterator[npt.NDArray[Any]], shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> Iterator[memoryview]:
        """Encode voxels of `shape`, C order, that come in blocks along the first long axis.

        Parts may share memory with blocks. A block that was yielded is not kept.
        """
        ...


class Measure(Protocol):
    """Tells the length of a body before a voxel is read."""

    def __call__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
        """Return the bytes that voxels of `shape` and `dtype` take."""
        ...


class Accepts(Protocol):
    """Tells whether a format can hold voxels, before one is read."""

    def __call__(self, dtype: np.dtype[Any], ndim: int) -> bool:
        """Return whether voxels of `dtype` with `ndim` axes can be encoded."""
        ...


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
