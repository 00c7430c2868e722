"""Large boxes, read in pieces by several requests at once."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from voxlake.ngff.grid.box import Box

PIECE_BYTES = 32 << 20
"""Voxels of a piece, at most, if a chunk is not larger."""
AT_ONCE = 4
"""Requests on their way."""


def piece_of(chunk: tuple[int, ...], shard: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """Return the extents of pieces: whole chunks, cut along the first axes of a shard.

    Examples
    --------
    >>> piece_of((64, 64, 64), (512, 512, 512), 1), piece_of((64, 64, 64), (512, 512, 512), 8)
    ((128, 512, 512), (64, 128, 512))
    """
    piece = list(shard)
    for axis, least in enumerate(chunk):
        while math.prod(piece) * itemsize > PIECE_BYTES and piece[axis] > least:
            piece[axis] = max(least, piece[axis] // 2 // least * least)
    return tuple(piece)


def read_in_pieces(
    read: Callable[[Box], npt.NDArray[Any]],
    box: Box,
    piece: tuple[int, ...],
    dtype: np.dtype[Any],
) -> npt.NDArray[Any]:
    """Return the voxels of a box, of which `read` returns parts; it is called by several threads.

    The first error that it raises is raised; parts that were not begun are left.
    """
    if box.size * dtype.itemsize <= PIECE_BYTES:
        return read(box)
    voxels = np.empty(box.shape, dtype)

    def fill(part: Box) -> None:
        voxels[part.within(box).slices] = read(part)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        try:
            for _ in pool.map(fill, box.tiles(piece)):
                pass
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return voxels
