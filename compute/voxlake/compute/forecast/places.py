"""Which voxels of a source are sampled: boxes spread evenly, as many as may be decoded."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

from voxlake.ngff.grid.box import Box, cell_box, grid_shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    type Extents = tuple[int, ...]

LEAST_BOXES = 4
"""Boxes grow thinner than chunks so that there can be so many of them."""

MOST_BOXES = 64

TRIES = 20
"""Places that are drawn for each box, at most: the same one may come again."""


def sample_boxes(
    shape: Extents, chunk: Extents, block: Extents, row: int, most_voxels: int
) -> tuple[list[Box], bool]:
    """Return boxes of a volume, each prefix of them evenly spread, and whether they are all of it.

    Parameters
    ----------
    shape, chunk
        Of the volume; boxes begin on the grid of its chunks, unless they are thinner.
    block
        What is decoded as a whole, on a grid from the origin.
    row
        Extent along x that tasks read at a time: long rows take less time each.
    most_voxels
        Voxels to decode, about; the first box may have more, if the blocks are so large.
    """
    extents = box_extents(shape, chunk, block, row, most_voxels // LEAST_BOXES)
    first = cell_box((0,) * len(shape), extents) & Box.of_shape(shape)
    wanted = min(MOST_BOXES, max(1, most_voxels // decoded_voxels(first, shape, block)))
    grid = grid_shape(shape, extents)
    cells = spread_cells(grid, wanted)
    boxes = [cell_box(cell, extents) & Box.of_shape(shape) for cell in cells]
    return boxes, len(boxes) == math.prod(grid)


def box_extents(
    shape: Extents, chunk: Extents, block: Extents, row: int, most_voxels: int
) -> Extents:
    """Return the extents of sample boxes: two chunks along each axis, a row, whole blocks.

    Wide blocks, such as whole slices, make boxes wide, and thin where they would be too large.

    Examples
    --------
    >>> box_extents((999, 999, 999), (64, 64, 64), (1, 1, 1), 512, 1 << 24)
    (128, 128, 512)
    >>> box_extents((256, 2048, 2048), (64, 64, 64), (1, 2048, 2048), 64, 1 << 24)
    (4, 2048, 2048)
    """
    lead = chunk[:-3]
    whole = [-(-n // c) * c for n, c in zip(shape[-3:], chunk[-3:], strict=True)]
    depth, *plane = (min(2 * c, n) for c, n in zip(chunk[-3:], whole, strict=True))
    for axis in (2, 1):
        wanted = max(block[-3 + axis], row if axis == 2 else 1)
        wide = min(_covered(wanted, chunk[-3 + axis]), whole[axis])
        others = math.prod(plane) // plane[axis - 1]
        if wide * others <= most_voxels:
            plane[axis - 1] = max(plane[axis - 1], wide)
    area = math.prod(_covered(n, b) for n, b in zip(plane, block[-2:], strict=True))
    while depth % 2 == 0 and depth > block[-3] and _covered(depth, block[-3]) * area > most_voxels:
        depth //= 2
    return (*lead, depth, *plane)


def spread_cells(grid: Extents, count: int) -> list[Extents]:
    """Return `count` different cells of a grid, or all; every prefix is evenly spread.

    A generalised golden-ratio sequence (M. Roberts, "The unreasonable effectiveness of
    quasirandom sequences", 2018).

    Examples
    --------
    >>> spread_cells((4, 1), 3)
    [(2, 0), (1, 0), (0, 0)]
    """
    ratio = 2.0
    for _ in range(50):
        ratio = (1 + ratio) ** (1 / (len(grid) + 1))
    steps = [ratio ** -(axis + 1) for axis in range(len(grid))]
    drawn = (
        tuple(int((0.5 + number * a) % 1 * n) for a, n in zip(steps, grid, strict=True))
        for number in range(TRIES * count)
    )
    cells = list(dict.fromkeys(drawn))[:count]
    rest = (cell for cell in itertools.product(*map(range, grid)) if cell not in cells)
    return [*cells, *itertools.islice(rest, count - len(cells))]


def decoded_voxels(box: Box, shape: Sequence[int], block: Sequence[int]) -> int:
    """Return the voxels of all blocks that a box of a volume of `shape` touches.

    Examples
    --------
    >>> decoded_voxels(Box((1, 0), (3, 1)), (9, 9), (2, 4))
    16
    """
    total = 1
    for lo, hi, whole, extent in zip(box.start, box.stop, shape, block, strict=True):
        total *= min(-(-hi // extent) * extent, whole) - lo // extent * extent
    return total


def _covered(extent: int, block: int) -> int:
    return -(-extent // block) * block
