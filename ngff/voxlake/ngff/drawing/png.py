"""Pixels as a PNG file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt


def encode_png(pixels: npt.NDArray[Any]) -> bytes:
    """Return rows and columns of 8 or 16 bits, of 8 bits with 3 or 4 for each pixel, as a file."""
    # Takes long to load, and most who draw nothing do without.
    from imagecodecs import png_encode

    return bytes(png_encode(np.ascontiguousarray(pixels), level=3))
