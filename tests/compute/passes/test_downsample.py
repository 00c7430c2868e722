"""Levels are built shard by shard of the level below, and are as if built at once."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pytest

from voxlake.compute.passes.downsample import plan_downsample
from voxlake.compute.passes.reduce import downsample
from voxlake.ngff.dataset import open_dataset
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.layout import Kind, Layout
from voxlake.ngff.grid.pyramid import Extent, plan_levels
from voxlake.ngff.lake import Place
from voxlake.ngff.making.create import NewDataset, create_dataset
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from voxlake.platform.store import StoreURL

SHAPE = (37, 83, 101)
AXES = ("z", "y", "x")
SHARDS = ((8, 16, 16), (8, 16, 32), (8, 16, 16))
"""Of levels 0, 1 and 2: a shard of one spans parts of several of the other."""


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("z", [10, 40])
def test_many_shards_are_as_one(lake: StoreURL, kind: Kind, z: float) -> None:
    size, dtype = VoxelSize(z, 10, 10), np.dtype("u1" if kind is Kind.IMAGE else "u8")
    levels = tuple(
        dataclasses.replace(level, layout=Layout((4, 8, 8), shard, 1))
        for level, shard in zip(
            plan_levels(kind, Extent(SHAPE, AXES, size), 3), SHARDS, strict=True
        )
    )
    place = Place(DatasetName.parse("c/e/d"), kind, None)
    dataset = open_dataset(
        create_dataset(lake, NewDataset(place, AXES, "nanometer", dtype, levels))
    )
    expected = np.random.default_rng(0).integers(0, 5, SHAPE).astype(dtype)
    finest = dataset.level(0)
    finest.write(finest.box, expected).result()
    for number in (1, 2):
        plan, volume = plan_downsample(dataset, number), dataset.level(number)
        for index in range(len(plan)):
            plan.task(index)()
        expected = downsample(expected, dataset.step(number), dataset.reduction)
        np.testing.assert_array_equal(volume.read(volume.box).result(), expected)


def test_labels_in_full_shards_fit_the_default_limit(lake: StoreURL) -> None:
    levels = plan_levels(Kind.LABELS, Extent((2048,) * 3, AXES, VoxelSize(10, 10, 10)), 2)
    place = Place(DatasetName.parse("c/e/seg"), Kind.LABELS, None)
    new = NewDataset(place, AXES, "nanometer", np.dtype("u8"), levels)
    plan = plan_downsample(open_dataset(create_dataset(lake, new)), 1)
    assert plan.bytes_per_task >= 3 * 512**3 * 8
    plan.check_memory(Settings().memory_limit_bytes)
