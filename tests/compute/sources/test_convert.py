"""Voxels as another type: kept as Python's own numbers have them, or refused by name."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from voxlake.compute.sources.convert import convert, loss_of
from voxlake.platform.errors import SourceError

INTEGERS = ["u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8"]
FLOATS = ["f2", "f4", "f8"]
TARGETS = [*INTEGERS, "f4"]


def keeps(value: Any, dtype: np.dtype[Any]) -> bool:
    """Whether a type holds a number, told by Python's numbers alone."""
    if dtype.kind != "f":
        bounds = np.iinfo(dtype)
        return math.isfinite(value) and value == int(value) and bounds.min <= value <= bounds.max
    if isinstance(value, int):
        return value == 0 or (abs(value) // (abs(value) & -abs(value))).bit_length() <= 24
    # Halfway between the largest float32 and 2**128 rounds up.
    return not math.isfinite(value) or abs(value) < 2**128 - 2**103


@st.composite
def arrays(draw: st.DrawFn) -> np.ndarray:
    dtype: np.dtype[Any] = np.dtype(draw(st.sampled_from(INTEGERS + FLOATS)))
    bits = st.integers(0, 64)
    near = st.tuples(bits, st.integers(-2, 2), st.sampled_from([-1, 1]))
    powers = near.map(lambda one: one[2] * (2 ** one[0] + one[1]))
    if dtype.kind == "f":
        numbers = st.one_of(st_numpy.from_dtype(dtype), powers.map(float))
    else:
        bounds = np.iinfo(dtype)
        numbers = powers.map(lambda n: min(max(n, int(bounds.min)), int(bounds.max)))
    found = draw(st.lists(numbers, min_size=1, max_size=6))
    with np.errstate(over="ignore"):
        return np.array(found, np.float64 if dtype.kind == "f" else dtype).astype(dtype)


@example(np.array([2**63 - 1], "i8"), "f4")
@example(np.array([2**64 - 1], "u8"), "f4")
@example(np.array([2.0**64], "f8"), "u8")
@example(np.array([-(2.0**63)], "f8"), "i8")
@example(np.array([1, -1], "i1"), "u8")
@example(np.array([2**53 + 1], "i8"), "f4")
@example(np.array([3.4028235e38, 3.4028236e38], "f8"), "f4")
@example(np.array([-np.inf], "f2"), "i4")
@given(arrays(), st.sampled_from(TARGETS))
def test_what_is_kept_is_equal_and_the_first_that_is_not_is_named(
    voxels: np.ndarray, target: str
) -> None:
    dtype = np.dtype(target)
    lost = [n for n, value in enumerate(voxels.tolist()) if not keeps(value, dtype)]
    if lost:
        with pytest.raises(SourceError) as caught:
            convert(voxels[None], dtype, (40, 7), "it")
        assert f"voxel (40, {7 + lost[0]})" in str(caught.value)
        return
    found = convert(voxels, dtype, (0,), "it")
    assert found.dtype == dtype
    if dtype.kind == voxels.dtype.kind == "f":
        with np.errstate(over="ignore"):
            np.testing.assert_array_equal(found, voxels.astype(dtype))
    else:
        assert found.tolist() == voxels.tolist()


def test_nan_and_infinities_stay_floats_and_become_no_integers() -> None:
    odd = np.array([np.nan, np.inf, -np.inf, 1e-50])
    np.testing.assert_array_equal(
        convert(odd, np.dtype("f4"), (0,), "it"), np.array([np.nan, np.inf, -np.inf, 0], "f4")
    )
    for value in odd:
        with pytest.raises(SourceError, match=r"voxel \(3,\), which int16 cannot hold"):
            convert(np.array([value]), np.dtype("i2"), (3,), "it")


def test_what_may_be_lost_is_said() -> None:
    assert loss_of(np.dtype("u2"), np.dtype("f4")) == "exact"
    assert loss_of(np.dtype("i4"), np.dtype("f4")) == "nothing may be lost"
    assert loss_of(np.dtype("f8"), np.dtype("u2")) == "nothing may be lost"
