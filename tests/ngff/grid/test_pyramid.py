"""Pyramid arithmetic: tables, and what must hold for any extent."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxlake.ngff.grid.axes import TimeStep, VoxelSize
from voxlake.ngff.grid.box import Box
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.grid.pyramid import (
    Extent,
    finer_box,
    level_translation,
    plan_levels,
    plan_levels_by,
    step_factors,
)
from voxlake.platform.errors import InvalidInputError

ZYX, CZYX = tuple("zyx"), tuple("czyx")


def shapes(extent: Extent, kind: Kind = Kind.IMAGE) -> list[tuple[int, ...]]:
    return [level.shape for level in plan_levels(kind, extent)]


def test_prime_extents_are_rounded_up() -> None:
    assert shapes(Extent((251, 257, 509), ZYX, VoxelSize(8, 8, 8))) == [
        (251, 257, 509),
        (126, 129, 255),
        (63, 65, 128),
        (32, 33, 64),
    ]


def test_anisotropic_voxels_are_led_towards_isotropy() -> None:
    levels = plan_levels(Kind.IMAGE, Extent((211, 2003, 1999), ZYX, VoxelSize(40, 4, 4)))
    assert [level.factors for level in levels] == [
        (1, 1, 1),
        (1, 2, 2),
        (1, 4, 4),
        (1, 8, 8),
        (2, 16, 16),
        (4, 32, 32),
    ]
    assert [level.scale for level in levels][-3:] == [(40, 32, 32), (80, 64, 64), (160, 128, 128)]


def test_channels_and_time_are_never_reduced() -> None:
    levels = plan_levels(Kind.IMAGE, Extent((2, 130, 130, 130), CZYX, VoxelSize(1, 1, 1)))
    assert [level.shape for level in levels] == [
        (2, 130, 130, 130),
        (2, 65, 65, 65),
        (2, 33, 33, 33),
    ]
    assert {level.scale[0] for level in levels} == {1.0}
    assert {level.translation[0] for level in levels} == {0.0}


def test_labels_have_the_levels_of_their_image() -> None:
    extent = Extent((100, 700, 700), ZYX, VoxelSize(40, 4, 4))
    image = plan_levels(Kind.IMAGE, extent)
    labels = plan_levels(Kind.LABELS, extent, len(image))
    assert [level.shape for level in labels] == [level.shape for level in image]


def test_a_number_of_levels_can_be_asked_for() -> None:
    extent = Extent((8, 8, 8), ZYX, VoxelSize(1, 1, 1))
    assert [level.shape for level in plan_levels(Kind.IMAGE, extent, 4)] == [
        (8, 8, 8),
        (4, 4, 4),
        (2, 2, 2),
        (1, 1, 1),
    ]


@pytest.mark.parametrize(
    ("shape", "levels", "says"),
    [
        ((8, 8, 8), 5, "at most 4"),
        ((8, 8, 8), 0, "at least one"),
        ((8, 0, 8), None, "empty axis"),
    ],
)
def test_what_cannot_be_planned_is_refused(
    shape: tuple[int, ...], levels: int | None, says: str
) -> None:
    with pytest.raises(InvalidInputError, match=says):
        plan_levels(Kind.IMAGE, Extent(shape, ZYX, VoxelSize(1, 1, 1)), levels)


def test_translation_is_the_centre_of_the_block() -> None:
    for factor in (1, 2, 4, 8):
        centres = np.arange(factor) * 10.0
        assert level_translation((factor,), (10.0,), (0.0,)) == (float(centres.mean()),)


sizes = st.floats(0.5, 100)
spaces = st.tuples(*[st.integers(1, 5000)] * 3)


@given(st.sampled_from(Kind), spaces, sizes, sizes, sizes)
def test_every_pyramid(kind: Kind, space: tuple[int, ...], z: float, y: float, x: float) -> None:
    extent = Extent((3, *space), CZYX, VoxelSize(z, y, x))
    levels = plan_levels(kind, extent)
    base = levels[0]
    assert base.factors == (1, 1, 1, 1)
    assert base.shape == extent.shape
    total = [1, 1, 1, 1]
    for fine, coarse, step in zip(levels, levels[1:], step_factors(levels), strict=False):
        assert set(step) <= {1, 2}
        assert max(step) == 2
        total = [a * b for a, b in zip(total, step, strict=True)]
        assert list(coarse.factors) == total
        for axis, factor in enumerate(step):
            assert coarse.shape[axis] == math.ceil(fine.shape[axis] / factor)
            assert factor == 1 or fine.shape[axis] > 1
    for level in levels:
        assert level.shape == tuple(
            math.ceil(n / f) for n, f in zip(base.shape, level.factors, strict=True)
        )
        assert level.scale == tuple(s * f for s, f in zip(base.scale, level.factors, strict=True))
        assert level.translation == level_translation(
            level.factors, base.scale, (0.0,) * len(base.scale)
        )
    in_one_chunk = [
        all(n <= c for n, c in zip(level.shape[1:], level.layout.chunk[1:], strict=True))
        for level in levels
    ]
    assert in_one_chunk == [False] * (len(levels) - 1) + [True]


@given(spaces, sizes, sizes, sizes)
def test_halving_never_leads_away_from_isotropy(
    space: tuple[int, ...], z: float, y: float, x: float
) -> None:
    levels = plan_levels(Kind.IMAGE, Extent(space, ZYX, VoxelSize(z, y, x)))
    for fine, coarse in pairwise(levels):
        halvable = [axis for axis in range(3) if fine.shape[axis] > 1]
        before = [fine.scale[axis] for axis in halvable]
        after = [coarse.scale[axis] for axis in halvable]
        assert max(after) / min(after) <= max(2, max(before) / min(before))


@given(spaces.map(lambda s: tuple(n % 20 + 1 for n in s)), st.data())
def test_finer_box_holds_exactly_what_a_voxel_is_made_of(
    shape: tuple[int, ...], data: st.DataObject
) -> None:
    factors = data.draw(st.tuples(*[st.sampled_from([1, 2])] * 3))
    owner = [np.arange(n) // f for n, f in zip(shape, factors, strict=True)]
    coarse = tuple(-(-n // f) for n, f in zip(shape, factors, strict=True))
    start = tuple(data.draw(st.integers(0, n - 1)) for n in coarse)
    stop = tuple(data.draw(st.integers(lo + 1, n)) for lo, n in zip(start, coarse, strict=True))
    found = finer_box(Box(start, stop), factors, shape)
    for axis, owners in enumerate(owner):
        inside = np.flatnonzero((owners >= start[axis]) & (owners < stop[axis]))
        assert (found.start[axis], found.stop[axis]) == (inside[0], inside[-1] + 1)


def test_levels_lie_where_the_first_one_does() -> None:
    extent = Extent(
        (2, 8, 8, 8),
        ("t", "z", "y", "x"),
        VoxelSize(40, 4, 4),
        (4000.0, 100.0, -200.0),
        TimeStep(0.5, "second", 3.0),
    )
    base, coarse = plan_levels_by(Kind.IMAGE, extent, ((1, 1, 2, 2),))
    assert (base.scale, base.translation) == ((0.5, 40, 4, 4), (3.0, 4000, 100, -200))
    assert (coarse.scale, coarse.translation) == ((0.5, 40, 8, 8), (3.0, 4000, 102, -198))
    _, first = plan_levels_by(Kind.IMAGE, replace(extent, centred=False), ((1, 1, 2, 2),))
    assert (first.scale, first.translation) == (coarse.scale, base.translation)
