"""Windows of contrast as values of voxels; apart, for what is in metadata needs no NumPy."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from voxlake.ngff.metadata.channels import Window


def ends_in(window: Window, dtype: str) -> tuple[float, float] | None:
    """Return the ends of a window as values of a type; None if it has none there.

    Examples
    --------
    >>> from voxlake.ngff.metadata.channels import Window
    >>> ends_in(Window(-3.5, 99.5, 0, 255), "uint8")
    (0, 100)
    >>> ends_in(Window(300, 400, 0, 4095), "uint8") is None
    True
    """
    kind = np.dtype(dtype)
    if kind.kind not in "iu":
        most = float(np.finfo(np.float32).max)
        return (window.start, window.end) if -most < window.start < window.end < most else None
    limits = np.iinfo(kind)
    low, high = max(math.floor(window.start), limits.min), min(math.ceil(window.end), limits.max)
    return (low, high) if low < high else None
