"""zarrista: the Rust library zarrs, called from Python without zarr-python."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from zarrista import Array
from zarrista.store import FilesystemStore

from benchmarks.boxes import FIRST, box_megabytes, cutout_boxes, first_read
from benchmarks.case import Case, Step

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def cutout(case: Case) -> Iterator[Step]:
    """Read boxes of level 0."""
    yield first_read(lambda: read(open_array(case.stored / "0"), FIRST))
    array = open_array(case.stored / "0")
    for name, box in cutout_boxes(case):
        yield Step(name, box_megabytes(box), partial(read, array, box))


def open_array(folder: Path) -> Array:
    """Open an array that is there."""
    return Array.open(FilesystemStore(str(folder)), "/")


def read(array: Array, box: tuple[slice, ...]) -> npt.NDArray[np.uint8]:
    """Return the voxels of a box."""
    return np.asarray(array[box], np.uint8)
