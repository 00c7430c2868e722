"""Morton numbers, against their definition bit by bit."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxlake.ngff.labels.queries.morton import morton_of, morton_ranges
from voxlake.platform.errors import UnsupportedError

INDEX = st.one_of(st.integers(0, 9), st.integers(0, (1 << 21) - 1))
CELLS = st.lists(st.tuples(INDEX, INDEX, INDEX), max_size=20)


def by_definition(cell: tuple[int, int, int]) -> int:
    z, y, x = (f"{index:021b}" for index in cell)
    return int("".join(c + b + a for a, b, c in zip(x, y, z, strict=True)), 2)


@given(cells=CELLS)
def test_numbers_and_ranges(cells: list[tuple[int, int, int]]) -> None:
    array = np.array(cells, np.int64).reshape(-1, 3)
    expected = [by_definition(cell) for cell in cells]
    assert morton_of(array).tolist() == expected
    ranges = morton_ranges(array).tolist()
    assert [n for first, stop in ranges for n in range(first, stop)] == sorted(set(expected))
    assert all(stop < first for (_, stop), (first, _) in pairwise(ranges))


@pytest.mark.parametrize("index", [-1, 1 << 21])
def test_cells_that_have_no_number(index: int) -> None:
    with pytest.raises(UnsupportedError, match="21 bits"):
        morton_of(np.array([[0, index, 0]]))
