"""Some labels alone: NumPy's `isin` is the judge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from voxlake.ngff.labels.queries.only import only
from voxlake.platform.errors import InvalidInputError

if TYPE_CHECKING:
    import numpy.typing as npt

DTYPES = ["u1", "u2", "u4", "u8"]
IDS = [1, 2, 3, 200, 255, 256, 70_000, 1 << 32, (1 << 53) + 1, (1 << 64) - 1]


@st.composite
def labelled(draw: st.DrawFn) -> npt.NDArray[Any]:
    dtype = draw(st.sampled_from(DTYPES))
    fitting = [0, *(each for each in IDS if each < 1 << 8 * np.dtype(dtype).itemsize)]
    shape = draw(st.lists(st.integers(1, 6), min_size=3, max_size=5).map(tuple))
    voxels: npt.NDArray[Any] = draw(npst.arrays(dtype, shape, elements=st.sampled_from(fitting)))
    return voxels


@given(voxels=labelled(), kept=st.sets(st.sampled_from(IDS) | st.integers(1, 2**64 - 1)))
def test_what_is_not_kept_is_background(voxels: npt.NDArray[Any], kept: set[int]) -> None:
    labels = np.array(list(kept), np.uint64)
    before = voxels.copy()
    found = only(voxels, labels)
    assert (found.dtype, found.shape) == (voxels.dtype, voxels.shape)
    np.testing.assert_array_equal(found, np.where(np.isin(before.astype("u8"), labels), before, 0))
    np.testing.assert_array_equal(voxels, before)


def test_a_thousand_labels_whose_slots_are_close() -> None:
    labels = np.arange(1, 1001, dtype=np.uint64) << np.uint64(52)
    voxels = np.arange(4096, dtype=np.uint64).reshape(16, 16, 16) << np.uint64(52)
    np.testing.assert_array_equal(
        only(voxels, labels), np.where(np.isin(voxels, labels), voxels, 0)
    )


def test_another_layout_and_byte_order() -> None:
    voxels = np.arange(24, dtype=">u4").reshape(2, 3, 4).T
    found = only(voxels, np.array([5, 7], np.uint64))
    np.testing.assert_array_equal(found, np.where(np.isin(voxels, [5, 7]), voxels, 0))


def test_what_is_no_label_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="float32"):
        only(np.zeros((2, 2, 2), np.float32), np.array([1], np.uint64))
