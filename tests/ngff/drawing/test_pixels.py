"""Pixels: exact fractions judge the window, Neuroglancer's own code the colours."""

from __future__ import annotations

from fractions import Fraction
from math import floor
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from voxlake.ngff.drawing.contrast import whole_range
from voxlake.ngff.drawing.pixels import coloured, grey, padded

SEEN = {
    1: (94, 128, 255),
    2: (255, 53, 120),
    3: (155, 255, 12),
    70: (188, 26, 255),
    255: (156, 15, 255),
    256: (255, 144, 53),
    65537: (177, 125, 255),
    2**32 - 1: (255, 181, 51),
    2**32: (111, 240, 255),
    2**53 + 1: (255, 48, 228),
    2**64 - 1: (211, 255, 3),
}
"""What `SegmentColorHash(0)` of Neuroglancer 2.41.2 computes, as bytes."""


def exactly(value: Any, low: Any, high: Any) -> int:
    """Return the pixel of a value by fractions."""
    low, high = Fraction(low), Fraction(high)
    pixel: int = floor(255 * (Fraction(value) - low) / (high - low) + Fraction(1, 2))
    return min(max(pixel, 0), 255)


@st.composite
def integers(draw: st.DrawFn) -> tuple[npt.NDArray[Any], int, int]:
    dtype = np.dtype(draw(st.sampled_from(["u1", "i1", "u2", "i2", "u4", "i4"])))
    limits = np.iinfo(dtype)  # type: ignore[type-var]  # one of the above
    ends = st.integers(2 * limits.min - 300, 2 * limits.max)
    low, high = draw(st.lists(ends, min_size=2, max_size=2, unique=True))
    near = st.integers(min(low, high) - 2, max(low, high) + 2).map(
        lambda n: min(max(n, limits.min), limits.max)
    )
    return draw(npst.arrays(dtype, (3, 4), elements=near)), low, high


@given(integers())
def test_integers_are_drawn_exactly(drawn: tuple[npt.NDArray[Any], int, int]) -> None:
    voxels, low, high = drawn
    want = [[exactly(int(value), low, high) for value in row] for row in voxels]
    found = grey(voxels, (low, high))
    assert found.dtype.name == "uint8"
    assert found.tolist() == want


@given(
    npst.arrays(np.float32, (3, 4), elements=st.floats(-1e6, 1e6, width=32)),
    st.lists(st.floats(-1e6, 1e6, width=32), min_size=2, max_size=2).filter(
        lambda ends: abs(ends[0] - ends[1]) > 1e-3
    ),
)
def test_floats_are_drawn_as_doubles_have_it(
    voxels: npt.NDArray[np.float32], ends: list[float]
) -> None:
    low, high = ends
    found = grey(voxels, (low, high)).astype(int)
    want = np.array([[exactly(float(value), low, high) for value in row] for row in voxels])
    # Doubles may fall on the other side of a half.
    assert np.abs(found - want).max() <= 1
    assert (found == want).mean() >= 0.5


def test_what_is_no_number_is_black_and_what_is_beyond_is_an_end() -> None:
    voxels = np.array([np.nan, np.inf, -np.inf, 3e38, -3e38], np.float32)
    assert grey(voxels, (0, 1)).tolist() == [0, 255, 0, 255, 0]
    assert grey(voxels, (1, 0)).tolist() == [0, 0, 255, 0, 255]
    wide = np.array([0, 2**63, 2**64 - 1], np.uint64)
    assert grey(wide, whole_range(wide.dtype)).tolist() == [0, 128, 255]


def test_labels_have_the_colours_of_neuroglancer() -> None:
    found = coloured(np.array([0, *SEEN], np.uint64).reshape(3, 4))
    assert found.shape == (3, 4, 4)
    assert found.reshape(-1, 4)[0].tolist() == [0, 0, 0, 0]
    want = [[*colour, 255] for colour in SEEN.values()]
    assert found.reshape(-1, 4)[1:].tolist() == want


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "i8", ">u4"])
def test_a_label_has_one_colour_whatever_its_width(dtype: str) -> None:
    small = coloured(np.array([[0, 1, 2, 3, 70]], dtype))
    np.testing.assert_array_equal(small, coloured(np.array([[0, 1, 2, 3, 70]], np.uint64)))


def test_tiles_are_filled_up_with_nothing() -> None:
    found = padded(np.full((2, 3), 9, np.uint8), (4, 4))
    assert found.tolist() == [[9, 9, 9, 0], [9, 9, 9, 0], [0] * 4, [0] * 4]
    assert padded(np.full((2, 3, 4), 9, np.uint8), (4, 4)).sum() == 9 * 24
