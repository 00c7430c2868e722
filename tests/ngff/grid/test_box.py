"""Boxes against NumPy slicing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxlake.ngff.grid.box import Box, cell_box, grid_shape
from voxlake.platform.errors import InvalidInputError, OutOfBoundsError

SPACE = (9, 7, 8)


@st.composite
def boxes(draw: st.DrawFn, space: tuple[int, ...] = SPACE) -> Box:
    ends = [sorted(draw(st.tuples(st.integers(0, n), st.integers(0, n)))) for n in space]
    return Box(tuple(lo for lo, _ in ends), tuple(hi for _, hi in ends))


grids = st.tuples(*(st.integers(1, 10) for _ in SPACE))
offsets = st.tuples(*(st.integers(-20, 20) for _ in SPACE))


def mark(box: Box) -> np.ndarray:
    """Return which voxels of the space are in the box."""
    marks = np.zeros(SPACE, bool)
    marks[box.slices] = True
    return marks


@given(boxes())
def test_shape_and_size_are_those_of_the_slice(box: Box) -> None:
    voxels = np.empty(SPACE)[box.slices]
    assert box.shape == voxels.shape
    assert box.size == voxels.size
    assert box.is_empty == (voxels.size == 0)
    assert box.ndim == voxels.ndim


@given(boxes(), grids)
def test_tiles_part_the_box_along_the_grid(box: Box, grid: tuple[int, ...]) -> None:
    seen = np.zeros(SPACE, int)
    for tile in box.tiles(grid):
        assert not tile.is_empty
        [cell] = tile.cells(grid)
        assert cell_box(cell, grid).contains(tile)
        seen[tile.slices] += 1
    assert (seen == mark(box)).all()


@given(boxes(), grids)
def test_tiles_and_cells_come_in_c_order(box: Box, grid: tuple[int, ...]) -> None:
    cells = list(box.cells(grid))
    assert cells == sorted(cells)
    assert [cell_box(cell, grid) & box for cell in cells] == list(box.tiles(grid))


@given(boxes(), grids, offsets)
def test_cells_are_those_of_every_voxel_wherever_the_box_lies(
    box: Box, grid: tuple[int, ...], offset: tuple[int, ...]
) -> None:
    moved = box.shifted(offset)
    voxels = np.argwhere(mark(box)) + offset
    assert set(moved.cells(grid)) == {tuple(map(int, voxel // grid)) for voxel in voxels}
    assert moved.count_cells(grid) == len(list(moved.cells(grid)))


@given(boxes(), grids)
def test_aligned_is_the_smallest_aligned_box_around(box: Box, grid: tuple[int, ...]) -> None:
    around = box.aligned(grid)
    assert around.contains(box)
    assert all(face % step == 0 for face, step in zip(around.start, grid, strict=True))
    assert all(face % step == 0 for face, step in zip(around.stop, grid, strict=True))
    assert all(b - a < g for a, b, g in zip(around.start, box.start, grid, strict=True))
    assert all(a - b < g for a, b, g in zip(around.stop, box.stop, grid, strict=True))


@given(boxes(), boxes())
def test_intersection_and_hull_are_those_of_the_voxels(a: Box, b: Box) -> None:
    assert (mark(a & b) == (mark(a) & mark(b))).all()
    assert (a & b).is_empty == (not (mark(a) & mark(b)).any())
    assert (a | b).contains(a)
    assert (a | b).contains(b)
    assert (a | b).start == tuple(map(min, a.start, b.start))
    assert (a | b).stop == tuple(map(max, a.stop, b.stop))


@given(boxes(), boxes())
def test_contains_and_check_inside_agree_with_the_voxels(a: Box, b: Box) -> None:
    if not b.is_empty:
        assert a.contains(b) == (mark(a) | ~mark(b)).all()
    if a.contains(b):
        b.check_inside(a, "the space")
    else:
        with pytest.raises(OutOfBoundsError, match="the space"):
            b.check_inside(a, "the space")


@given(boxes(), boxes())
def test_within_gives_the_place_inside_the_outer_box(outer: Box, box: Box) -> None:
    part = box & outer
    voxels = np.arange(np.prod(SPACE)).reshape(SPACE)
    inside = voxels[outer.slices][part.within(outer).slices]
    assert (inside == voxels[part.slices]).all()
    assert part.within(outer).shifted(outer.start) == part


@pytest.mark.parametrize(
    ("start", "stop"), [((0, 0), (1,)), ((0,), (1, 1)), ((2,), (1,)), ((0, 5, 0), (9, 4, 9))]
)
def test_a_box_that_cannot_be_is_refused(start: tuple[int, ...], stop: tuple[int, ...]) -> None:
    with pytest.raises(InvalidInputError):
        Box(start, stop)


def test_a_box_reads_as_slices() -> None:
    assert str(Box((-1, 2), (3, 40))) == "[-1:3, 2:40]"
    assert Box.of_shape((3, 4)) == Box((0, 0), (3, 4))


@given(st.lists(st.tuples(st.integers(1, 100), st.integers(1, 40)), min_size=1, max_size=4))
def test_a_grid_covers_the_shape(pairs: list[tuple[int, int]]) -> None:
    shape, shard = zip(*pairs, strict=True)
    for cells, extent, step in zip(grid_shape(shape, shard), shape, shard, strict=True):
        assert (cells - 1) * step < extent <= cells * step
