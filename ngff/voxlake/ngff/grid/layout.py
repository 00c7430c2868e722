"""Layout: which chunks, shards and codec an array gets, by its kind, shape and anisotropy."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from voxlake.ngff.grid.axes import SPATIAL, VoxelSize

ANISOTROPIC = 4
"""From this ratio of z to x,y voxel size on, chunks are flat."""


class Kind(StrEnum):
    """The two kinds of dataset."""

    IMAGE = "image"
    LABELS = "labels"


@dataclass(frozen=True, slots=True)
class Layout:
    """How one array is cut and coded."""

    chunk: tuple[int, ...]
    """Smallest readable block, in voxels, in the axis order of the array."""
    shard: tuple[int, ...]
    """Smallest writable block, a whole number of chunks: the write grid."""
    zstd_level: int
    """Level of the zstd codec, which always carries a checksum."""


def choose_layout(
    kind: Kind, shape: tuple[int, ...], axes: tuple[str, ...], voxel_size: VoxelSize
) -> Layout:
    """Choose chunk, shard and codec level of an array of `shape` (in the order of `axes`).

    Near-isotropic images and all labels get 64^3 chunks in 512^3 shards; anisotropic images
    32x128x128 chunks in 256x1024x1024 shards. A small array shrinks the shard to its extent; the
    chunk shrinks only where the array is thinner than half of it. Time points and channels never
    share a chunk.

    Examples
    --------
    >>> choose_layout(Kind.IMAGE, (250, 250, 250), ("z", "y", "x"), VoxelSize(10, 10, 10))
    Layout(chunk=(64, 64, 64), shard=(256, 256, 256), zstd_level=1)
    """
    flat = kind is Kind.IMAGE and voxel_size.z >= ANISOTROPIC * min(voxel_size.y, voxel_size.x)
    chunks = dict(zip(SPATIAL, (32, 128, 128) if flat else (64, 64, 64), strict=True))
    chunk, shard = [], []
    for name, extent in zip(axes, shape, strict=True):
        edge = min(chunks.get(name, 1), _power_of_two(extent))
        chunk.append(edge)
        shard.append(min(edge * 8, -(-extent // edge) * edge) if name in SPATIAL else 1)
    return Layout(tuple(chunk), tuple(shard), 3 if kind is Kind.LABELS else 1)


def _power_of_two(extent: int) -> int:
    return 1 << max(0, extent - 1).bit_length()
