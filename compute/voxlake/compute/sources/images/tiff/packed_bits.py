"""Samples of fewer bits than a byte."""

from __future__ import annotations

import numpy as np


def unpack_bits(rows: np.ndarray, bits: int) -> np.ndarray:
    """Return the samples of 1, 2, 4 or 8 bits in rows of bytes: the first is the highest.

    Examples
    --------
    >>> unpack_bits(np.array([[0b00011011]], np.uint8), 2)
    array([[0, 1, 2, 3]], dtype=uint8)
    """
    if bits == 8:
        return rows
    shifts = np.arange(8 - bits, -1, -bits, dtype=np.uint8)
    samples: np.ndarray = (rows[:, :, np.newaxis] >> shifts) & np.uint8((1 << bits) - 1)
    return samples.reshape(len(rows), -1)
