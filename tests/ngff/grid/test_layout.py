"""The layout rules of the format page, as a table."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.layout import Kind, choose_layout

ISOTROPIC, FLAT = VoxelSize(10, 10, 10), VoxelSize(40, 4, 4)
ZYX, CZYX, TCZYX = tuple("zyx"), tuple("czyx"), tuple("tczyx")
IMAGE, LABELS = Kind.IMAGE, Kind.LABELS

CASES = [
    # kind, shape, axes, voxel size -> chunk, shard
    (IMAGE, (5000,) * 3, ZYX, ISOTROPIC, (64, 64, 64), (512, 512, 512)),
    (LABELS, (5000,) * 3, ZYX, ISOTROPIC, (64, 64, 64), (512, 512, 512)),
    (IMAGE, (5000,) * 3, ZYX, FLAT, (32, 128, 128), (256, 1024, 1024)),
    (LABELS, (5000,) * 3, ZYX, FLAT, (64, 64, 64), (512, 512, 512)),
    # The border: four times is flat, less is not.
    (IMAGE, (5000,) * 3, ZYX, VoxelSize(40, 10, 10), (32, 128, 128), (256, 1024, 1024)),
    (IMAGE, (5000,) * 3, ZYX, VoxelSize(39.9, 10, 10), (64, 64, 64), (512, 512, 512)),
    # Small volumes shrink the shard, not the chunk.
    (IMAGE, (250, 250, 250), ZYX, ISOTROPIC, (64, 64, 64), (256, 256, 256)),
    (IMAGE, (65, 64, 600), ZYX, ISOTROPIC, (64, 64, 64), (128, 64, 512)),
    (IMAGE, (33, 63, 64), ZYX, ISOTROPIC, (64, 64, 64), (64, 64, 64)),
    # The chunk shrinks only where the array is thinner than half of it.
    (IMAGE, (1, 32, 5000), ZYX, ISOTROPIC, (1, 32, 64), (1, 32, 512)),
    (IMAGE, (3, 700, 700), ZYX, FLAT, (4, 128, 128), (4, 768, 768)),
    # Time points and channels never share a chunk or a shard.
    (IMAGE, (3, 70, 70, 70), CZYX, ISOTROPIC, (1, 64, 64, 64), (1, 128, 128, 128)),
    (IMAGE, (9, 3, 70, 70, 70), TCZYX, ISOTROPIC, (1, 1, 64, 64, 64), (1, 1, 128, 128, 128)),
]


@pytest.mark.parametrize(("kind", "shape", "axes", "voxel_size", "chunk", "shard"), CASES)
def test_layout(
    kind: Kind,
    shape: tuple[int, ...],
    axes: tuple[str, ...],
    voxel_size: VoxelSize,
    chunk: tuple[int, ...],
    shard: tuple[int, ...],
) -> None:
    layout = choose_layout(kind, shape, axes, voxel_size)
    assert (layout.chunk, layout.shard) == (chunk, shard)


@pytest.mark.parametrize(("kind", "level"), [(IMAGE, 1), (LABELS, 3)])
def test_codec_level_goes_by_kind(kind: Kind, level: int) -> None:
    assert choose_layout(kind, (99,) * 3, ZYX, ISOTROPIC).zstd_level == level


extents = st.tuples(*[st.integers(1, 3000)] * 3)


@given(st.sampled_from(Kind), extents, st.sampled_from([ISOTROPIC, FLAT]))
def test_a_shard_is_whole_chunks_and_no_larger_than_it_must_be(
    kind: Kind, shape: tuple[int, ...], voxel_size: VoxelSize
) -> None:
    layout = choose_layout(kind, shape, ZYX, voxel_size)
    for extent, chunk, shard in zip(shape, layout.chunk, layout.shard, strict=True):
        assert shard % chunk == 0
        assert shard - chunk < extent
        assert chunk == 1 or chunk / 2 < extent
    assert math.prod(a // b for a, b in zip(layout.shard, layout.chunk, strict=True)) <= 512
