"""Where a source is sampled: evenly, within bounds, without decoding for nothing."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from voxlake.compute.forecast.places import (
    LEAST_BOXES,
    decoded_voxels,
    sample_boxes,
    spread_cells,
)
from voxlake.ngff.grid.box import Box

EXTENTS = st.tuples(*[st.integers(1, 300)] * 3)
BLOCKS = st.sampled_from([(1, 1, 1), (1, 999, 999), (64, 64, 64), (5, 7, 9), (1, 32, 999)])


@settings(max_examples=60)
@given(
    EXTENTS,
    st.sampled_from([(64, 64, 64), (32, 128, 128)]),
    BLOCKS,
    st.integers(1, 300),
    st.integers(1, 1 << 24),
)
def test_boxes_are_different_and_inside_and_bounded(
    shape: tuple[int, int, int],
    chunk: tuple[int, int, int],
    block: tuple[int, int, int],
    row: int,
    most: int,
) -> None:
    boxes, whole = sample_boxes(shape, chunk, block, row, most)
    assert len({box.start for box in boxes}) == len(boxes) >= 1
    assert all(Box.of_shape(shape).contains(box) and not box.is_empty for box in boxes)
    assert whole == (sum(box.size for box in boxes) == math.prod(shape))
    decoded = [decoded_voxels(box, shape, block) for box in boxes]
    assert len(boxes) == 1 or sum(decoded) <= 2 * most
    for box in boxes:
        assert all(lo % c == 0 for lo, c in zip(box.start[1:], chunk[1:], strict=True))
        assert box.start[0] % chunk[0] == 0 or box.shape[0] < chunk[0]


@given(EXTENTS, BLOCKS, st.data())
def test_decoded_voxels_are_those_of_the_blocks(
    shape: tuple[int, int, int], block: tuple[int, int, int], data: st.DataObject
) -> None:
    lo = tuple(data.draw(st.integers(0, n - 1)) for n in shape)
    hi = tuple(data.draw(st.integers(a + 1, n)) for a, n in zip(lo, shape, strict=True))
    touched = 1
    for a, b, n, extent in zip(lo, hi, shape, block, strict=True):
        places = np.arange(n) // extent
        touched *= int(np.isin(places, places[a:b]).sum())
    assert decoded_voxels(Box(lo, hi), shape, block) == touched


@given(st.tuples(*[st.integers(1, 40)] * 3), st.integers(1, 64))
def test_as_many_cells_as_asked_for_or_all(grid: tuple[int, int, int], count: int) -> None:
    cells = spread_cells(grid, count)
    assert len(set(cells)) == len(cells) == min(count, math.prod(grid))
    assert all(0 <= index < n for cell in cells for index, n in zip(cell, grid, strict=True))


def test_every_prefix_is_evenly_spread() -> None:
    cells = np.array(spread_cells((100, 100, 100), 64))
    for count in (8, 27, 64):
        means = cells[:count].mean(axis=0)
        assert (abs(means - 50) < 12).all()
        octants = {tuple(octant) for octant in (cells[:count] >= 50).tolist()}
        assert len(octants) >= min(8, count // 2)


def test_whole_slices_are_used_up_and_taken_at_several_places() -> None:
    block = (1, 2048, 2048)
    boxes, _ = sample_boxes((1000, 2048, 2048), (64, 64, 64), block, 64, 64 << 20)
    assert len(boxes) >= LEAST_BOXES
    assert {box.shape[1:] for box in boxes} == {(2048, 2048)}
    assert sum(box.size for box in boxes) <= 64 << 20


def test_a_slice_larger_than_the_bound_is_decoded_once() -> None:
    boxes, _ = sample_boxes((500, 50_000, 50_000), (64, 64, 64), (1, 50_000, 50_000), 64, 1 << 26)
    assert [box.shape for box in boxes] == [(1, 128, 50_000)]


def test_times_and_channels_are_sampled_too() -> None:
    boxes, whole = sample_boxes((4, 2, 64, 64, 64), (1, 1, 64, 64, 64), (1,) * 5, 64, 1 << 24)
    assert whole
    assert {box.start[:2] for box in boxes} == {(t, c) for t in range(4) for c in range(2)}
