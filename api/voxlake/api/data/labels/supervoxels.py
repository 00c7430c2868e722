"""The voxels of labels as ids of nodes of the graph, uint64."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from voxlake.api.data.labels.labels import labels_at
from voxlake.api.data.opened import check_labels, opened_dataset
from voxlake.api.data.stored.precomputed import PrecomputedLevel, Voxels, open_level, open_levels
from voxlake.api.guards.datasets import Granted
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

__all__ = [
    "LAYERS",
    "LAYER_BITS",
    "SupervoxelLevel",
    "check_graph",
    "supervoxel_level",
    "supervoxel_levels",
    "supervoxels_at",
]

LAYERS = CHANGED
"""Layers of the graph, the highest of which is that of roots that were changed."""


class SupervoxelLevel(PrecomputedLevel):
    """A level of labels whose voxels are sent as ids of supervoxels, its first corner at 0."""

    __slots__ = ()

    @classmethod
    def over(cls, level: PrecomputedLevel) -> SupervoxelLevel:
        """Return a level of labels so."""
        place = replace(level.scale.level, translation=(0.0,) * len(level.scale.axes))
        scale = replace(level.scale, level=place)
        return cls(level.dataset, level.volume, scale, level.coding)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of ids, little-endian."""
        return np.dtype("<u8")

    def lies_so(self, box: Box) -> bool:  # noqa: ARG002
        """Return False: labels are stored, and no ids."""
        return False

    def ordered(self, voxels: Voxels) -> npt.NDArray[np.uint64]:
        """Return labels as ids (1, z, y, x); 0 is background.

        Raises
        ------
        UnsupportedError
            If a label has no id, as it is 2^56 or above.
        """
        labels = super().ordered(voxels)
        largest = int(labels.max(initial=0))
        if largest >= LIMIT:
            raise UnsupportedError(
                f"there is the label {largest}, and a graph has ids for those below 2^{ID_BITS}; "
                "renumber the labels, or look at them as plain labels"
            )
        ids = labels.copy()
        np.bitwise_or(labels, np.uint64(SUPERVOXELS << ID_BITS), out=ids, where=labels != 0)
        return ids


async def check_graph(granted: Granted[ReadVoxels]) -> None:
    """Raise UnsupportedError unless a dataset is labels in z, y, x, in a unit of length."""
    check_labels(granted)
    multiscale = (await opened_dataset(granted)).multiscale
    are_lengths = all(axis.unit in METRES for axis in multiscale.axes)
    if multiscale.axis_names != ("z", "y", "x") or not are_lengths:
        raise UnsupportedError(
            f"{granted.record.name} has the axes {', '.join(map(str, multiscale.axes))}; labels "
            "have a graph if their axes are z, y, x in a unit of length"
        )


async def supervoxel_levels(granted: Granted[ReadVoxels]) -> list[SupervoxelLevel]:
    """Return the levels of labels, the finest first; raises as `check_graph`."""
    await check_graph(granted)
    return [SupervoxelLevel.over(level) for level in await open_levels(granted)]


async def supervoxel_level(granted: Granted[ReadVoxels], number: int) -> SupervoxelLevel:
    """Return a level of labels; raises as `check_graph`, and OutOfBoundsError if there is none."""
    await check_graph(granted)
    return SupervoxelLevel.over(await open_level(granted, number))


async def supervoxels_at(
    granted: Granted[ReadVoxels], points: list[tuple[float, float, float]]
) -> list[int]:
    """Return the ids of the supervoxels at points x, y, z in nanometres from the first corner.

    Raises
    ------
    OutOfBoundsError
        If there is background at one, or it is outside the volume.
    """
    finest = await supervoxel_level(granted, 0)
    places = np.floor_divide([point[::-1] for point in points], finest.scale.resolution[::-1])
    if not ((places >= 0) & (places < finest.volume.shape)).all():
        raise OutOfBoundsError(f"not all of {points} nm are in the volume; choose other points")
    labels = (await labels_at(granted, places.astype(np.int64)))[0].tolist()
    if 0 in labels:
        raise OutOfBoundsError(f"there is background at one of {points} nm; choose other points")
    return [node_id(SUPERVOXELS, label) for label in labels]
