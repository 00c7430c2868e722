"""The voxels of labels as ids of nodes of the graph, uint64."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
from anyio import to_thread

from voxlake.api.data.labels import labels_at
from voxlake.api.data.opened import check_labels, opened_dataset, opened_level
from voxlake.api.guard import Granted
from voxlake.api.http.again import read_again
from voxlake.ngff.grid.box import Box
from voxlake.ngff.grid.units import METRES
from voxlake.ngff.labels.mapping.roots import (
    CHANGED,
    ID_BITS,
    LAYER_BITS,
    LIMIT,
    SUPERVOXELS,
    node_id,
)
from voxlake.platform.access import ReadVoxels
from voxlake.platform.errors import OutOfBoundsError, UnsupportedError

__all__ = ["LAYERS", "LAYER_BITS", "read_supervoxels", "supervoxel_levels", "supervoxels_at"]

LAYERS = CHANGED
"""Layers of the graph, the highest of which is that of roots that were changed."""


@dataclass(frozen=True, slots=True)
class SupervoxelLevel:
    """One level of labels, all z, y, x."""

    shape: tuple[int, int, int]
    chunk: tuple[int, int, int]
    """Smallest readable block."""
    shard: tuple[int, int, int]
    """Smallest writable block."""
    voxel_size: tuple[float, float, float]
    """Nanometres."""


async def supervoxel_levels(granted: Granted[ReadVoxels]) -> list[SupervoxelLevel]:
    """Return the levels of labels, the finest first.

    Raises
    ------
    UnsupportedError
        If the dataset is an image, or its axes are not z, y, x in a unit of length.
    """
    check_labels(granted)
    dataset = await opened_dataset(granted)
    axes = dataset.multiscale.axes
    units = [METRES.get(axis.unit or "") for axis in axes]
    if dataset.multiscale.axis_names != ("z", "y", "x") or None in units:
        raise UnsupportedError(
            f"{granted.record.name} has the axes {', '.join(map(str, axes))}; labels have a graph "
            "if their axes are z, y, x in a unit of length"
        )
    levels = []
    for number, level in enumerate(dataset.multiscale.levels):
        volume = await opened_level(granted, dataset, number)
        sizes = (
            float(unit * 10**9) * scale
            for unit, scale in zip(units, level.scale, strict=True)
            if unit is not None
        )
        shape, chunk, shard = map(_zyx, (volume.shape, volume.chunk, volume.shard))
        levels.append(SupervoxelLevel(shape, chunk, shard, _zyx(sizes)))
    return levels


def _zyx[T](numbers: Iterable[T]) -> tuple[T, T, T]:
    z, y, x = numbers
    return z, y, x


async def read_supervoxels(
    granted: Granted[ReadVoxels], level: int, box: Box
) -> npt.NDArray[np.uint64]:
    """Return the ids of the supervoxels of `box`, (z, y, x); 0 is background.

    Raises
    ------
    UnsupportedError
        If a label has no id, as it is 2^56 or above.
    """
    volume = await opened_level(granted, await opened_dataset(granted), level)
    box.check_inside(volume.box, f"level {level} of {granted.record.name}")
    labels = await read_again(partial(volume.read, box))
    return await to_thread.run_sync(_ids_of, labels)


def _ids_of(labels: npt.NDArray[np.unsignedinteger]) -> npt.NDArray[np.uint64]:
    if labels.dtype.itemsize == 8 and int(labels.max(initial=0)) >= LIMIT:
        raise UnsupportedError(
            f"there is the label {labels.max()}, and a graph has ids for those below 2^{ID_BITS}; "
            "renumber the labels, or look at them as plain labels"
        )
    ids = labels.astype(np.uint64)
    ids |= (labels != 0).astype(np.uint64) << np.uint64(ID_BITS)
    return ids


async def supervoxels_at(
    granted: Granted[ReadVoxels], points: list[tuple[float, float, float]]
) -> list[int]:
    """Return the ids of the supervoxels at points x, y, z in nanometres from the first corner.

    Raises
    ------
    OutOfBoundsError
        If there is background at one, or it is outside the volume.
    """
    finest = (await supervoxel_levels(granted))[0]
    places = np.floor_divide([point[::-1] for point in points], finest.voxel_size)
    if not ((places >= 0) & (places < finest.shape)).all():
        raise OutOfBoundsError(f"not all of {points} nm are in the volume; choose other points")
    labels = (await labels_at(granted, places.astype(np.int64)))[0].tolist()
    if 0 in labels:
        raise OutOfBoundsError(f"there is background at one of {points} nm; choose other points")
    return [node_id(SUPERVOXELS, label) for label in labels]
