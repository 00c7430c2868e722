"""Sources made of functions: any order of the axes, and memory that is there, against NumPy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.compute.sources.reading import assert_reads, assert_whole, boxes

from voxlake.compute.sources import ArrangedSource, ReadsInto, arrange
from voxlake.compute.sources.arranged_source import filled
from voxlake.ngff.grid.box import Box
from voxlake.platform.errors import OutOfBoundsError

EXTENTS = {"t": 2, "c": 3, "z": 4, "y": 5, "x": 6}
ORDERS = [
    names
    for length in range(2, 6)
    for names in itertools.permutations("tczyx", length)
    if {"y", "x"} <= set(names)
]


def stored(names: tuple[str, ...]) -> np.ndarray:
    """An array with those axes, big-endian, that nobody may write to."""
    shape = [EXTENTS[name] for name in names]
    voxels = np.arange(np.prod(shape), dtype=">u2").reshape(shape)
    voxels.flags.writeable = False
    return voxels


def shown(names: tuple[str, ...]) -> np.ndarray:
    """The same as (t, c,) z, y, x."""
    wanted = [name for name in "tczyx" if name in names]
    voxels = np.einsum(f"{''.join(names)}->{''.join(wanted)}", stored(names))
    return voxels if "z" in names else np.expand_dims(voxels, -3)


def source_of(names: tuple[str, ...], *, fills: bool) -> ArrangedSource:
    """A source that returns part of the array, or fills memory with it."""
    voxels = stored(names)

    def fill(box: Box, out: np.ndarray) -> None:
        assert out.shape == box.shape
        out[...] = voxels[box.slices]

    dtype = np.dtype("u2")
    return ArrangedSource(
        arrangement=arrange(names, voxels.shape, "it"),
        dtype=dtype,
        fingerprint="",
        read_stored=filled(fill, dtype) if fills else lambda box: voxels[box.slices],
        fill_stored=fill if fills else None,
    )


@pytest.mark.parametrize("fills", [False, True])
@given(names=st.sampled_from(ORDERS), data=st.data())
def test_any_order_of_axes(*, fills: bool, names: tuple[str, ...], data: st.DataObject) -> None:
    source, expected = source_of(names, fills=fills), shown(names)
    assert_whole(source, expected)
    box = data.draw(boxes(expected.shape))
    assert_reads(source, box, expected)
    assert source.read(box).flags.writeable
    assert isinstance(source, ReadsInto)
    around = np.zeros(tuple(n + 1 for n in box.shape), source.dtype)
    out = around[tuple(slice(n) for n in box.shape)]
    source.read_into(box, out)
    np.testing.assert_array_equal(out, expected[box.slices])
    assert around.sum() == out.sum()


@pytest.mark.parametrize("fills", [False, True])
def test_boxes_outside(*, fills: bool) -> None:
    source = source_of(("x", "y"), fills=fills)
    outside = Box((0, 0, 0), (2, 5, 6))
    with pytest.raises(OutOfBoundsError, match="the source"):
        source.read(outside)
    with pytest.raises(OutOfBoundsError, match="the source"):
        source.read_into(outside, np.empty(outside.shape, source.dtype))
