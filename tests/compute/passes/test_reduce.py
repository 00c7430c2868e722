"""Reducing against NumPy, TensorStore and brute force."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tensorstore as ts
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from voxlake.compute.passes.reduce import downsample, downsample_into
from voxlake.ngff.grid.dtypes import IMAGE_DTYPES
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.grid.reduction import MOST_VOXELS, Reduction, check_reduction, named_reduction
from voxlake.platform.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

type Voxels = npt.NDArray[Any]

INTEGERS = [name for name in IMAGE_DTYPES if name != "float32"]
FACTORS = [(1, 1, 1), (2, 2, 2), (1, 2, 2), (2, 1, 1), (3, 2, 1), (4, 4, 4)]

shapes = st.tuples(*[st.sampled_from([1, 2, 3, 5, 7, 11, 13])] * 3)
factors_drawn = st.sampled_from(FACTORS)


def blocks(voxels: Voxels, factors: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], Voxels]]:
    """Yield each coarse voxel's index and the voxels it is made of."""
    coarse = [-(-n // f) for n, f in zip(voxels.shape, factors, strict=True)]
    for index in itertools.product(*map(range, coarse)):
        cut = tuple(slice(i * f, (i + 1) * f) for i, f in zip(index, factors, strict=True))
        yield index, voxels[cut]


def block_mean(voxels: Voxels, factors: tuple[int, ...]) -> Voxels:
    """Return NumPy's mean of each block, halves to even."""
    coarse = tuple(-(-n // f) for n, f in zip(voxels.shape, factors, strict=True))
    result = np.empty(coarse, voxels.dtype)
    for index, block in blocks(voxels, factors):
        mean = block.mean(dtype=np.float64)
        result[index] = mean if voxels.dtype.kind == "f" else np.rint(mean)
    return result


def block_mode(voxels: Voxels, factors: tuple[int, ...]) -> Voxels:
    """Return the stated rule: most frequent, first met of equals, 0 only if nothing else."""
    coarse = tuple(-(-n // f) for n, f in zip(voxels.shape, factors, strict=True))
    result = np.zeros(coarse, voxels.dtype)
    for index, block in blocks(voxels, factors):
        # Counter keeps the order of first occurrence, and most_common is stable.
        counts = Counter(label for label in block.ravel().tolist() if label != 0)
        if counts:
            result[index] = counts.most_common(1)[0][0]
    return result


@settings(max_examples=60)
@given(st.data(), st.sampled_from(INTEGERS), shapes, factors_drawn)
def test_mean_of_integers_is_numpys_rounded(
    data: st.DataObject, name: str, shape: tuple[int, ...], factors: tuple[int, ...]
) -> None:
    limits = np.iinfo(name)
    values = st.integers(int(limits.min), int(limits.max)) | st.sampled_from(
        [int(limits.min), int(limits.max), 0, 1, 2, 3]
    )
    voxels = data.draw(hnp.arrays(name, shape, elements=values))
    assert (downsample(voxels, factors, Reduction.MEAN) == block_mean(voxels, factors)).all()


@pytest.mark.parametrize("name", INTEGERS)
def test_mean_of_many_integers(name: str) -> None:
    limits = np.iinfo(name)
    rng = np.random.default_rng(1)
    for low, high in ((limits.min, limits.max), (max(limits.min, -5), 6)):
        voxels = rng.integers(low, high, (11, 13, 17), name, endpoint=True)
        for factors in FACTORS:
            assert (
                downsample(voxels, factors, Reduction.MEAN) == block_mean(voxels, factors)
            ).all()


def test_mean_of_floats_is_numpys_to_the_last_bit_but_one() -> None:
    voxels = np.random.default_rng(2).normal(0, 1e3, (11, 13, 17)).astype(np.float32)
    for factors in FACTORS:
        found = downsample(voxels, factors, Reduction.MEAN)
        np.testing.assert_array_max_ulp(found, block_mean(voxels, factors), maxulp=1)


def test_mean_of_floats_that_are_no_numbers() -> None:
    voxels = np.array([[[np.nan, 1, np.inf, 1, 3e38, 3e38]]], np.float32)
    found = downsample(voxels, (1, 1, 2), Reduction.MEAN)
    np.testing.assert_array_equal(found, np.array([[[np.nan, np.inf, 3e38]]], np.float32))


@pytest.mark.parametrize("factors", FACTORS)
def test_mean_is_tensorstores(factors: tuple[int, ...]) -> None:
    voxels = np.random.default_rng(3).integers(0, 256, (29, 31, 37), "uint8")
    theirs = ts.downsample(ts.array(voxels), list(factors), "mean").read().result()
    assert (downsample(voxels, factors, Reduction.MEAN) == theirs).all()


@settings(max_examples=80)
@given(st.data(), shapes, factors_drawn)
def test_mode_is_the_stated_rule(
    data: st.DataObject, shape: tuple[int, ...], factors: tuple[int, ...]
) -> None:
    labels = st.sampled_from([0, 1, 2, 3, (1 << 53) + 1, 1 << 63, (1 << 64) - 1])
    voxels = data.draw(hnp.arrays(np.uint64, shape, elements=labels))
    assert (downsample(voxels, factors, Reduction.MODE) == block_mode(voxels, factors)).all()


@settings(max_examples=60)
@given(st.data(), st.sampled_from(["uint8", "int16", "float32"]), shapes, factors_drawn)
def test_min_max_and_stride_are_numpys(
    data: st.DataObject, name: str, shape: tuple[int, ...], factors: tuple[int, ...]
) -> None:
    voxels = data.draw(hnp.arrays(name, shape))
    rules: dict[Reduction, Callable[[Voxels], object]] = {
        Reduction.MIN: np.min,
        Reduction.MAX: np.max,
        Reduction.STRIDE: lambda block: block.ravel()[0],
    }
    for reduction, rule in rules.items():
        found = downsample(voxels, factors, reduction)
        for index, block in blocks(voxels, factors):
            np.testing.assert_array_equal(found[index], rule(block))


@given(st.sampled_from(Reduction), st.data())
def test_boxes_of_larger_memory_are_reduced_in_place(
    reduction: Reduction, data: st.DataObject
) -> None:
    whole = np.random.default_rng(7).integers(0, 5, (9, 10, 11)).astype(np.uint64)
    start = data.draw(st.tuples(*[st.integers(0, 4)] * 3))
    fine = whole[tuple(slice(lo, lo + 5) for lo in start)]
    memory = np.full((4, 5, 6), 99, np.uint64)
    coarse = memory[1:4, 1:4, 2:5]
    downsample_into(coarse, fine, (2, 2, 2), reduction)
    np.testing.assert_array_equal(coarse, downsample(fine.copy(), (2, 2, 2), reduction))
    coarse[...] = 99
    assert (memory == 99).all()


def test_labels_have_no_mean() -> None:
    with pytest.raises(InvalidInputError, match="mean of labels"):
        check_reduction(Reduction.MEAN, Kind.LABELS)
    assert check_reduction(Reduction.MODE, Kind.IMAGE) is Reduction.MODE


def test_a_reduction_of_foreign_metadata_is_that_of_the_kind() -> None:
    assert named_reduction("gaussian", Kind.IMAGE) is Reduction.MEAN
    assert named_reduction("", Kind.LABELS) is Reduction.MODE
    assert named_reduction("max", Kind.IMAGE) is Reduction.MAX


@pytest.mark.parametrize("background", [0.0, 0.5, 0.95])
def test_mode_of_many_labels(background: float) -> None:
    rng = np.random.default_rng(4)
    voxels = rng.choice(np.array([1, 7, 1 << 40, (1 << 64) - 1], np.uint64), (19, 23, 29))
    voxels[rng.random(voxels.shape) < background] = 0
    for factors in FACTORS:
        assert (downsample(voxels, factors, Reduction.MODE) == block_mode(voxels, factors)).all()


@pytest.mark.parametrize(
    ("block", "label"),
    [
        ([0, 0, 0, 0, 0, 0, 0, 9], 9),  # a thin process does not vanish
        ([0, 0, 0, 0, 0, 0, 0, 0], 0),
        ([5, 4, 4, 5, 0, 0, 0, 0], 5),  # of equals the first in C order
        ([4, 5, 5, 4, 0, 0, 0, 0], 4),
        ([1, 2, 3, 2, 0, 0, 0, 0], 2),
        ([(1 << 64) - 1, (1 << 64) - 2, 0, 0, 0, 0, 0, (1 << 64) - 2], (1 << 64) - 2),
    ],
)
def test_mode_of_one_block(block: list[int], label: int) -> None:
    voxels = np.array(block, np.uint64).reshape(2, 2, 2)
    assert downsample(voxels, (2, 2, 2), Reduction.MODE).item() == label


@pytest.mark.parametrize("reduction", Reduction)
def test_leading_axes_are_reduced_one_by_one(reduction: Reduction) -> None:
    dtype = np.uint64 if reduction is Reduction.MODE else np.uint16
    voxels = np.random.default_rng(5).integers(0, 4, (2, 3, 5, 7, 3)).astype(dtype)
    found = downsample(voxels, (1, 1, 2, 2, 2), reduction)
    assert found.shape == (2, 3, 3, 4, 2)
    for t, c in np.ndindex(2, 3):
        assert (found[t, c] == downsample(voxels[t, c], (2, 2, 2), reduction)).all()


def test_voxels_in_any_memory_order_are_taken() -> None:
    voxels = np.random.default_rng(6).integers(0, 256, (7, 8, 9), "uint8")
    reduced = downsample(voxels, (2, 2, 2), Reduction.MEAN)
    for other in (np.asfortranarray(voxels), voxels[::-1].copy()[::-1]):
        assert (downsample(other, (2, 2, 2), Reduction.MEAN) == reduced).all()


@pytest.mark.parametrize("factors", [(2, 1, 1, 1), (1, 0, 1, 1), (1, 1, -2, 1), (1, 16, 16, 17)])
def test_factors_that_cannot_be_used_are_refused(factors: tuple[int, ...]) -> None:
    assert MOST_VOXELS == 16 * 16 * 16
    with pytest.raises(InvalidInputError, match="factors"):
        downsample(np.zeros((2, 2, 2, 2), np.uint8), factors, Reduction.MEAN)
