"""Lakes for the tests of the gateway: small datasets with known voxels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.box import Box
from voxlake.ngff.grid.layout import Kind, Layout
from voxlake.ngff.grid.pyramid import Extent, plan_levels
from voxlake.ngff.labels.sidecars.build import index_shard
from voxlake.ngff.lake import Place
from voxlake.ngff.making.create import NewDataset, create_dataset
from voxlake.ngff.shards.whole import write_shard
from voxlake.ngff.volume import open_volume
from voxlake.platform.catalog import Catalog, DatasetRecord, DatasetState
from voxlake.platform.names import DatasetName

if TYPE_CHECKING:
    from voxlake.ngff.metadata.channels import Channel
    from voxlake.platform.store import StoreURL

VOXEL_SIZE = VoxelSize(40, 10, 10)

type Voxels = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Sample:
    """A dataset to be made."""

    name: str
    voxels: Voxels
    kind: Kind = Kind.IMAGE
    of: str | None = None
    public: bool = False
    axes: tuple[str, ...] = ("z", "y", "x")
    voxel_size: VoxelSize = VOXEL_SIZE
    levels: int = 2
    channels: tuple[Channel, ...] = ()
    small: bool = True
    """Chunks of 16^3 in shards of 32^3, so that little data has many of both."""
    indexed: bool = True
    """Whether labels have a label index."""
    shape: tuple[int, ...] | None = None
    """Shape of a dataset without stored voxels, where it is not that of `voxels`."""


def add_sample(lake: StoreURL, catalog: Catalog, sample: Sample) -> StoreURL:
    """Write and register a dataset; level k holds every 2^k-th voxel along the halved axes."""
    name = DatasetName.parse(sample.name)
    place = Place(name, sample.kind, sample.of)
    levels = plan_levels(
        sample.kind,
        Extent(sample.shape or sample.voxels.shape, sample.axes, sample.voxel_size),
        sample.levels,
    )
    if sample.small:
        levels = tuple(
            replace(
                level,
                layout=Layout(
                    tuple(16 if name in "zyx" else 1 for name in sample.axes),
                    tuple(32 if name in "zyx" else 1 for name in sample.axes),
                    1,
                ),
            )
            for level in levels
        )
    new = NewDataset(
        place, sample.axes, "nanometer", sample.voxels.dtype, levels, channels=sample.channels
    )
    url = create_dataset(lake, new)
    for level in () if sample.shape else levels:
        steps = tuple(slice(None, None, factor) for factor in level.factors)
        write_level(url / level.path, sample.voxels[steps])
    if sample.kind is Kind.LABELS and sample.indexed:
        index_level(url / "0", lake / place.index_key)
    catalog.add_dataset(
        DatasetRecord(
            name=name,
            kind=sample.kind.value,
            of=sample.of,
            url=place.key,
            state=DatasetState.READY,
            public=sample.public,
            created_at=datetime.now(UTC),
        )
    )
    return url


def write_level(url: StoreURL, voxels: Voxels) -> None:
    """Write all shards of a level."""
    volume = open_volume(url)
    for cell in Box.of_shape(volume.shape).cells(volume.shard):
        box = volume.shard_box(cell)
        write_shard(volume, cell, np.ascontiguousarray(voxels[box.slices]))


def index_level(url: StoreURL, index: StoreURL) -> None:
    """Index all shards of labels."""
    volume = open_volume(url)
    for cell in volume.box.cells(volume.shard):
        index_shard(volume, cell, index)


def image_voxels(shape: tuple[int, ...], seed: int = 1, dtype: str = "uint8") -> Voxels:
    """Return noise."""
    limit = 256 if dtype == "uint8" else 5000
    return np.random.default_rng(seed).integers(0, limit, shape).astype(dtype)


def label_voxels(shape: tuple[int, int, int], seed: int = 2) -> Voxels:
    """Return blocks of labels, the largest possible id among them."""
    rng = np.random.default_rng(seed)
    ids = np.array([0, 1, 2, 3, 2**53 + 1, 2**64 - 1], np.uint64)
    coarse = rng.choice(ids, tuple(-(-n // 7) for n in shape))
    whole = coarse.repeat(7, 0).repeat(7, 1).repeat(7, 2)
    return np.ascontiguousarray(whole[tuple(slice(0, n) for n in shape)])
