"""How a pass is cut: whole shards, whole blocks, bounded memory."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxlake.compute.passes.cut import Block, Cut, LevelGrid, Limits, Reading, cut_pass, cut_pyramid
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.box import Box
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.grid.pyramid import Extent, plan_levels, step_factors

LIMITS = Limits(1 << 30, 4 << 30, 2)


def pyramid(shape: tuple[int, ...], kind: Kind = Kind.IMAGE, z: float = 10) -> list[LevelGrid]:
    """Return how the levels of a dataset are cut."""
    axes = ("t", "c", "z", "y", "x")[-len(shape) :]
    levels = plan_levels(kind, Extent(shape, axes, VoxelSize(z, 10, 10)))
    steps = ((1,) * len(shape), *step_factors(levels))
    return [
        LevelGrid(level.shape, level.layout.chunk, level.layout.shard, step)
        for level, step in zip(levels, steps, strict=True)
    ]


def test_a_small_volume_is_one_task_that_makes_all_levels() -> None:
    levels = pyramid((256, 2048, 2048))
    cut = cut_pass(levels, Block((1, 1, 1), 1), LIMITS)
    assert (cut.levels, cut.region) == (len(levels), (256, 2048, 2048))
    assert cut.reading is Reading.DIRECT
    assert cut.memory_bytes < 200 << 20


def test_slices_that_fit_memory_are_decoded_once_into_a_layer() -> None:
    cut = cut_pass(pyramid((256, 4096, 4096)), Block((1, 4096, 4096), 1), LIMITS)
    assert cut.reading is Reading.LAYERED
    assert (cut.reads, cut.region[-2:]) == (1.0, (4096, 4096))


def test_slices_that_do_not_are_staged_and_decoded_once() -> None:
    slices = Block((1, 100_000, 100_000), 1)
    cut = cut_pass(pyramid((20_000, 100_000, 100_000)), slices, LIMITS)
    assert cut.reading is Reading.STAGED
    assert (cut.reads, cut.region) == (1.0, (512, 100_000, 100_000))
    assert cut.memory_bytes < 1 << 30


def test_a_petabyte_of_plain_voxels_is_cut_into_regions_of_several_levels() -> None:
    cut = cut_pass(pyramid((100_000, 100_000, 100_000)), Block((1, 1, 1), 1), LIMITS)
    assert (cut.levels, cut.region) == (3, (2048, 2048, 2048))
    assert cut.memory_bytes < 1 << 30


def test_tiles_are_decoded_few_times() -> None:
    cut = cut_pass(pyramid((2000, 30_000, 30_000)), Block((1, 1000, 1000), 1), LIMITS)
    assert cut.reads <= 1.25


@pytest.mark.parametrize("block", [(64, 64, 64), (128, 128, 128), (100, 100, 100), (32, 256, 256)])
def test_blocks_of_arrays_are_read_strip_by_strip(block: tuple[int, ...]) -> None:
    cut = cut_pass(pyramid((4000, 4000, 4000)), Block(block, 1), LIMITS)
    assert cut.reads < 2.5
    if all(n & (n - 1) == 0 for n in block):
        assert (cut.reading, cut.reads) == (Reading.DIRECT, 1.0)


def test_upper_levels_of_large_labels_need_no_task_of_their_own() -> None:
    passes = cut_pyramid(pyramid((20_000,) * 3, Kind.LABELS), None, 8, LIMITS)
    assert all(planned.cut is not None for planned in passes)
    assert max(planned.cut.memory_bytes for planned in passes if planned.cut) < 1 << 30


def test_odd_factors_end_a_pass() -> None:
    levels = pyramid((512, 512, 512))
    third = LevelGrid((171, 171, 171), (64, 64, 64), (192, 192, 192), (3, 3, 3))
    assert cut_pass([levels[0], third], Block((1, 1, 1), 1), LIMITS).levels == 1


extents = st.integers(1, 700) | st.sampled_from([512, 1024, 2048, 5000])
blocks = st.integers(1, 300) | st.sampled_from([1, 64, 5000])


@given(
    st.tuples(extents, extents, extents),
    st.tuples(blocks, blocks, blocks),
    st.sampled_from(Kind),
    st.sampled_from([5, 10, 45]),
    st.sampled_from([1 << 16, 1 << 24, 1 << 30]),
)
def test_regions_hold_whole_shards_and_strips_whole_chunks(
    shape: tuple[int, ...], block: tuple[int, ...], kind: Kind, z: float, task_bytes: int
) -> None:
    levels = pyramid(shape, kind, z)
    block = tuple(map(min, block, shape))
    cut = cut_pass(levels, Block(block, 8), Limits(task_bytes, 4 << 30, 2))
    _check_shards(levels, cut)
    _check_strips(levels, cut)
    assert cut.reads >= 1
    assert 1 <= cut.levels <= len(levels)


def _check_shards(levels: list[LevelGrid], cut: Cut) -> None:
    factors: tuple[int, ...] = (1, 1, 1)
    for level in levels[: cut.levels]:
        factors = tuple(a * b for a, b in zip(factors, level.step, strict=True))
        for extent, whole, shard, factor in zip(
            cut.region, levels[0].shape, level.shard, factors, strict=True
        ):
            assert extent >= whole or extent % (shard * factor) == 0


def _check_strips(levels: list[LevelGrid], cut: Cut) -> None:
    """Strips hold whole chunks and whole blocks of the next level; layers join to layers."""
    made = levels[: cut.levels]
    for number, (level, strip, depth) in enumerate(zip(made, cut.strips, cut.depths, strict=True)):
        assert all(n % c == 0 for n, c in zip(strip, level.chunk, strict=True))
        assert depth % level.chunk[-3] == 0
        assert depth % strip[-3] == 0
        if number + 1 < len(made):
            step = made[number + 1].step
            assert all(n % s == 0 for n, s in zip(strip, step, strict=True))
            assert cut.depths[number + 1] % (depth // step[-3]) == 0


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 40))
def test_reads_are_counted_as_they_happen(whole: int, step: int, block: int) -> None:
    from voxlake.compute.passes.cut import _reads

    touched = sum(len(list(tile.cells((block,)))) for tile in Box.of_shape((whole,)).tiles((step,)))
    assert math.isclose(_reads((whole,), (step,), (block,)), touched / -(-whole // block))
