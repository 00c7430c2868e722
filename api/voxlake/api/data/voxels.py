"""Voxels as they are asked for: as they lie, as bodies, or of some labels alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from anyio import to_thread

from voxlake.api.data.labels.labels import mapping_of
from voxlake.api.data.opened import check_labels
from voxlake.api.guards.datasets import Granted
from voxlake.api.http.answers.blocks import Read
from voxlake.ngff.grid.box import Box
from voxlake.ngff.labels.mapping.mapping import apply
from voxlake.ngff.labels.queries.only import only
from voxlake.ngff.volume import Volume
from voxlake.platform.access import ReadVoxels
from voxlake.platform.errors import UnsupportedError

type _Change = Callable[[npt.NDArray[Any]], npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Voxels:
    """How the voxels of a level are read."""

    read: Read
    dtype: np.dtype[Any]
    mapping: int | None = None
    """Number of the mapping that makes them bodies."""
    copies: int = 1
    """How often they are in memory while they are read."""


async def voxels_of(
    granted: Granted[ReadVoxels],
    volume: Volume,
    *,
    bodies: bool = False,
    labels: npt.NDArray[np.uint64] | None = None,
) -> Voxels:
    """Return how the voxels of a level are read.

    Parameters
    ----------
    bodies
        Whether the mapping from supervoxels to bodies is applied: they are uint64.
    labels
        Labels, or bodies, that are kept; all others are 0. None: all are kept.

    Raises
    ------
    UnsupportedError
        If labels are asked for and the dataset is an image, or its voxels are no unsigned integers.
    ForbiddenError
        If bodies are asked for by those who may read but a part.
    """
    if not bodies and labels is None:
        return Voxels(volume.read, volume.dtype)
    if bodies:
        granted.check_whole()
    check_labels(granted)
    if volume.dtype.kind != "u":
        raise UnsupportedError(
            f"{granted.record.name} has {volume.dtype} voxels, and labels that are chosen or "
            "mapped are unsigned integers"
        )
    changes: list[_Change] = []
    dtype, number = volume.dtype, None
    if bodies:
        mapping = await mapping_of(granted)
        dtype, number = np.dtype(np.uint64), mapping.number
        changes.append(partial(apply, mapping))
    if labels is not None:
        changes.append(partial(only, labels=labels))
    return Voxels(_changed(volume, changes), dtype, number, copies=2)


def _changed(volume: Volume, changes: list[_Change]) -> Read:
    async def read(box: Box) -> npt.NDArray[Any]:
        voxels = await volume.read(box)
        for change in changes:
            voxels = await to_thread.run_sync(change, voxels)
        return voxels

    return read
