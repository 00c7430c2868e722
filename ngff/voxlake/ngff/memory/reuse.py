"""Memory that each thread uses again: fresh memory costs more than most work done in it."""

from __future__ import annotations

import math
from threading import local
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt


class _Kept(local):
    def __init__(self) -> None:
        self.memory: dict[str, npt.NDArray[np.uint8]] = {}


_kept = _Kept()


def reused(purpose: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Return an array that holds anything, C-contiguous; good until this thread asks again.

    Examples
    --------
    >>> reused("doctest", (2, 3), np.dtype("u2")).shape
    (2, 3)
    """
    size = math.prod(shape) * dtype.itemsize
    memory = _kept.memory.get(purpose)
    if memory is None or memory.size < size:
        memory = _kept.memory[purpose] = np.empty(size, np.uint8)
    return memory[:size].view(dtype).reshape(shape)
