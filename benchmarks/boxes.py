"""The cutouts that are read: the same for every candidate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from benchmarks.case import Case, Step, chunk_shape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SHAPES = {
    "64^3 aligned": (64, 64, 64),
    "128^3 aligned": (128, 128, 128),
    "128^3": (128, 128, 128),
    "256^3": (256, 256, 256),
    "16x512x512": (16, 512, 512),
    "xy slice": (1, 1024, 1024),
    "xz slice": (1024, 1, 1024),
    "yz slice": (1024, 1024, 1),
}
"""Voxels along z, y, x, cut to the volume."""

FIRST = (slice(0, 64),) * 3
"""The first cutout that is read, array opened and all; a volume is at least as large."""

READS = 8
"""Cutouts of each shape."""


def cutout_boxes(case: Case) -> Iterator[tuple[str, tuple[slice, ...]]]:
    """Yield the name of a shape and a box of it at a random place, seeded."""
    random = np.random.default_rng(0)
    chunk = chunk_shape(case.documents[0])
    for name, wanted in SHAPES.items():
        shape = np.minimum(wanted, case.shape)
        for _ in range(READS):
            start = random.integers(0, np.array(case.shape) - shape + 1)
            if name.endswith("aligned"):
                start = start // chunk * chunk
            yield name, tuple(slice(int(a), int(a + n)) for a, n in zip(start, shape, strict=True))


def first_read(run: Callable[[], npt.NDArray[Any]]) -> Step:
    """Return the step that opens the array and reads `FIRST`."""
    return Step("open, first 64^3", box_megabytes(FIRST), run)


def box_megabytes(box: tuple[slice, ...]) -> float:
    """Return the size of a box of one-byte voxels in 10^6 bytes."""
    return float(np.prod([part.stop - part.start for part in box])) / 1e6
