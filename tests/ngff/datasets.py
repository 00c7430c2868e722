"""Datasets for the tests: created, and filled with every level."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.compute.passes.reduce import downsample
from voxlake.ngff.dataset import Dataset, open_dataset
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.grid.pyramid import Extent, PyramidLevel, plan_levels, step_factors
from voxlake.ngff.grid.reduction import default_reduction
from voxlake.ngff.lake import Place
from voxlake.ngff.making.create import NewDataset, array_document, create_dataset
from voxlake.ngff.metadata.seal import sealed
from voxlake.ngff.shards.whole import write_shard
from voxlake.platform import store
from voxlake.platform.names import DatasetName

if TYPE_CHECKING:
    import numpy.typing as npt

    from voxlake.ngff.making.create import IndexLocation
    from voxlake.platform.store import StoreURL

type Voxels = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Sample:
    """What a dataset for a test is made from."""

    kind: Kind = Kind.IMAGE
    shape: tuple[int, ...] = (67, 71, 131)
    dtype: str = "uint8"
    axes: tuple[str, ...] = ("z", "y", "x")
    voxel_size: VoxelSize = VoxelSize(10, 10, 10)  # noqa: RUF009  (frozen)
    name: str = "em"
    of: str | None = None

    def planned(self) -> tuple[PyramidLevel, ...]:
        """Return the levels, one at least of them coarser."""
        extent = Extent(self.shape, self.axes, self.voxel_size)
        return plan_levels(self.kind, extent)

    def voxels(self, seed: int = 0) -> Voxels:
        """Return level 0: noise on a gradient, or lumps of labels with ids of every width."""
        rng = np.random.default_rng(seed)
        if self.kind is Kind.LABELS:
            ids = np.array([0, 0, 1, 2, (1 << 53) + 1, (1 << 64) - 1], self.dtype)
            lumps = rng.choice(ids, tuple(-(-n // 7) for n in self.shape))
            for axis in range(len(self.shape)):
                lumps = lumps.repeat(7, axis)
            return lumps[tuple(map(slice, self.shape))].copy()
        ramp = np.add.outer(np.arange(self.shape[-2]), np.arange(self.shape[-1])) % 97
        return (ramp + rng.integers(0, 30, self.shape)).astype(self.dtype)


def new_dataset(sample: Sample) -> NewDataset:
    """Return what the dataset is created from."""
    name = DatasetName("lab", "brain", sample.name)
    return NewDataset(
        Place(name, sample.kind, sample.of),
        sample.axes,
        sample.voxel_size.unit,
        np.dtype(sample.dtype),
        sample.planned(),
    )


def create(lake: StoreURL, sample: Sample, index_location: IndexLocation = "end") -> Dataset:
    """Create the dataset; every voxel is fill."""
    new = new_dataset(sample)
    for level in new.levels if index_location == "start" else ():
        document = sealed(array_document(new, level, index_location))
        url = lake / new.place.key / level.path / "zarr.json"
        store.write(url, json.dumps(document, indent=2).encode())
    return open_dataset(create_dataset(lake, new))


def fill(dataset: Dataset, sample: Sample, seed: int = 0) -> list[Voxels]:
    """Write all levels, shard by shard, and return their voxels."""
    levels = [sample.voxels(seed)]
    for factors in step_factors(sample.planned()):
        levels.append(downsample(levels[-1], factors, default_reduction(sample.kind)))
    for number, voxels in enumerate(levels):
        volume = dataset.level(number)
        for cell in volume.box.cells(volume.shard):
            write_shard(volume, cell, voxels[volume.shard_box(cell).slices])
    return levels
