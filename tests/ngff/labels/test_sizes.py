"""Bins of sizes, against Python's own numbers."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from voxlake.ngff.labels.sizes import size_bins

SIZES = st.one_of(
    st.integers(1, 2**64 - 1),
    st.integers(0, 63).map(lambda k: 1 << k),
    st.integers(1, 64).map(lambda k: (1 << k) - 1),
)


@given(st.lists(SIZES, max_size=30))
def test_each_label_is_in_the_bin_of_its_size(sizes: list[int]) -> None:
    bins = size_bins(np.array(sizes, np.uint64))
    expected = Counter(1 << (size.bit_length() - 1) for size in sizes)
    assert {each.first: each.labels for each in bins if each.labels} == expected
    firsts = [each.first for each in bins]
    assert all(after == 2 * before for before, after in pairwise(firsts))
    assert all(each.last == 2 * each.first - 1 for each in bins)
