"""The levels that a candidate has written, however it has laid them out, as z, y, x."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from benchmarks.candidates.tensorstore import open_array, read
from benchmarks.case import dataset_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchmarks.case import Case

type Slices = tuple[slice, ...]


@dataclass(frozen=True, slots=True)
class Level:
    """A level that can be read."""

    shape: tuple[int, ...]
    read: Callable[[Slices], npt.NDArray[Any]]
    """Returns the voxels of a box, (z, y, x)."""


class Written(Protocol):
    """Finds a level that a candidate wrote."""

    def __call__(self, case: Case, level: int) -> Level | None:
        """Open it, or return None if it is not there."""
        ...


def own_levels(case: Case, level: int) -> Level | None:
    """Open an array that was made by `create_array`, or one that lies at its place."""
    return zarr_level(case.output / str(level))


def ingested(case: Case, level: int) -> Level | None:
    """Open a level of the dataset that voxlake has made."""
    return zarr_level(dataset_folder(case.output) / str(level))


def rebuilt(case: Case, level: int) -> Level | None:
    """Open a level of the prepared lake, which voxlake has built anew."""
    return zarr_level(case.stored / str(level))


def ngff_ingested(case: Case, level: int) -> Level | None:
    """Open a level of the image that ngff-zarr has made."""
    return zarr_level(case.output / "em.ome.zarr" / f"scale{level}" / "image")


def ngff_rebuilt(case: Case, level: int) -> Level | None:
    """Open a level that ngff-zarr has added to its own."""
    return zarr_level(case.inputs / "ngff-zarr.ome.zarr" / f"scale{level}" / "image")


def stack_to_chunk_ingested(case: Case, level: int) -> Level | None:
    """Open a level of the group that stack-to-chunk has made: its axes are y, x, z."""
    return _z_last(case.output / "em.zarr" / str(level))


def stack_to_chunk_rebuilt(case: Case, level: int) -> Level | None:
    """Open a level that stack-to-chunk has added to its own."""
    return _z_last(case.inputs / "stack-to-chunk.zarr" / str(level))


def precomputed(case: Case, level: int) -> Level | None:
    """Open a scale of the layer that CloudVolume has made, with CloudVolume: x, y, z, channel."""
    cloudvolume = import_module("cloudvolume")
    volume = cloudvolume.CloudVolume(f"file://{case.output}/layer", mip=level, progress=False)

    def transposed(box: Slices) -> npt.NDArray[Any]:
        return np.asarray(volume[box[::-1]])[..., 0].T

    return Level(tuple(int(n) for n in volume.shape[2::-1]), transposed)


def zarr_level(folder: Path) -> Level | None:
    """Open a zarr v3 array of z, y, x."""
    if not (folder / "zarr.json").exists():
        return None
    array = open_array(folder)
    return Level(tuple(array.shape), partial(read, array))


def _z_last(folder: Path) -> Level | None:
    if not (folder / "zarr.json").exists():
        return None
    array = open_array(folder)
    height, width, depth = array.shape

    def transposed(box: Slices) -> npt.NDArray[Any]:
        return np.moveaxis(read(array, (*box[1:], box[0])), 2, 0)

    return Level((depth, height, width), transposed)
