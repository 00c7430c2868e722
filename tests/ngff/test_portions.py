"""Parts of datasets: at every level, voxels that are made of voxels of the box alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxlake.ngff.grid.box import Box, grid_shape
from voxlake.ngff.portions import box_at_level, finest_box
from voxlake.platform.errors import InvalidInputError
from voxlake.platform.portion import Portion


@st.composite
def boxes(draw: st.DrawFn) -> tuple[Box, tuple[int, ...], tuple[int, ...]]:
    rank = draw(st.integers(1, 3))
    shape = tuple(draw(st.integers(1, 20)) for _ in range(rank))
    factors = tuple(draw(st.sampled_from([1, 2, 3, 4, 8])) for _ in range(rank))
    start = tuple(draw(st.integers(0, n - 1)) for n in shape)
    stop = tuple(draw(st.integers(lo + 1, n)) for lo, n in zip(start, shape, strict=True))
    return Box(start, stop), factors, shape


@given(boxes(), st.booleans())
def test_nothing_of_beside_is_open_and_all_of_inside(given: Any, floor: bool) -> None:
    box, factors, shape = given
    coarse = tuple(n // f for n, f in zip(shape, factors, strict=True))
    coarse = coarse if floor and all(coarse) else grid_shape(shape, factors)
    inside = np.zeros(shape, bool)
    inside[box.slices] = True
    wanted = np.zeros(coarse, bool)
    for cell in np.ndindex(coarse):
        block = tuple(slice(i * f, (i + 1) * f) for i, f in zip(cell, factors, strict=True))
        wanted[cell] = inside[block].all()
    got = np.zeros(coarse, bool)
    allowed = box_at_level(box, factors, shape, coarse)
    assert allowed is not None
    got[allowed.slices] = True
    assert np.array_equal(got, wanted)


def test_a_level_of_no_whole_blocks_is_not_known() -> None:
    assert box_at_level(Box((0,), (9,)), (2,), (9,), (6,)) is None


@pytest.mark.parametrize(
    "box",
    [(("w", 0, 1),), (("z", 0, 1), ("z", 1, 2)), (("z", 3, 3),), (("z", -1, 3),), (("z", 0, 9),)],
)
def test_what_is_no_part_is_refused(box: Any) -> None:
    with pytest.raises(InvalidInputError, match="was asked for"):
        finest_box(Portion(0, box), ("z", "y", "x"), (8, 8, 8))
