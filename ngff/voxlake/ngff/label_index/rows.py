"""Rows of the label index: what the voxels of one shard say of every label in every chunk."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.platform.errors import UnsupportedError

if TYPE_CHECKING:
    import numpy.typing as npt

    from voxlake.ngff.volume import Volume

MAX_CHUNKS = 1 << 16
"""Chunks of a shard that the 16-bit chunk number of a row can tell apart."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """One row per (label, chunk) of a shard, sorted by label, then chunk."""

    labels: npt.NDArray[np.uint64]
    """(n,) ids; never 0, the background."""
    chunks: npt.NDArray[np.uint16]
    """(n,) C-order index of the chunk in the grid of chunks of a whole shard."""
    voxels: npt.NDArray[np.uint64]
    """(n,) voxels of the chunk that have the label; at least 1."""
    start: npt.NDArray[np.int64]
    """(n, 3) first z, y, x of the label in the chunk, in coordinates of the volume."""
    stop: npt.NDArray[np.int64]
    """(n, 3) one past its last z, y, x: boxes are tight and half-open."""

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, which: npt.NDArray[np.bool_] | slice) -> Rows:
        """Return the rows that a mask or slice selects."""
        return Rows(
            self.labels[which],
            self.chunks[which],
            self.voxels[which],
            self.start[which],
            self.stop[which],
        )

    def of_label(self, label: int) -> Rows:
        """Return the rows of one label."""
        wanted = np.uint64(label)
        first = int(np.searchsorted(self.labels, wanted, "left"))
        return self.take(slice(first, int(np.searchsorted(self.labels, wanted, "right"))))


def check_labels(volume: Volume) -> None:
    """Refuse a volume that the label index cannot describe.

    Raises
    ------
    UnsupportedError
        If it is not (z, y, x), not of unsigned integers, filled with a label, or if its shards
        have more than `MAX_CHUNKS` chunks.
    """
    if len(volume.shape) != 3 or volume.dtype.kind != "u":
        raise UnsupportedError(
            f"{volume.url} is {volume.dtype} with {len(volume.shape)} axes; "
            "a label index needs unsigned integers with the axes z, y, x"
        )
    if volume.fill != 0:
        raise UnsupportedError(
            f"{volume.url} is filled with label {volume.fill} where nothing is stored; "
            "a label index needs the fill value 0"
        )
    chunks = math.prod(chunk_grid(volume))
    if chunks > MAX_CHUNKS:
        raise UnsupportedError(
            f"{volume.url} has {chunks} chunks in a shard; a label index takes {MAX_CHUNKS}: "
            "use larger chunks or smaller shards"
        )


def chunk_grid(volume: Volume) -> tuple[int, int, int]:
    """Return how many chunks a whole shard has along z, y, x."""
    z, y, x = (-(-outer // inner) for outer, inner in zip(volume.shard, volume.chunk, strict=True))
    return z, y, x


def find_rows(volume: Volume, cell: tuple[int, ...], voxels: npt.NDArray[Any]) -> Rows:
    """Return the rows of the shard at `cell`, of whose `voxels` nothing else is read.

    Parameters
    ----------
    voxels
        (z, y, x) unsigned integers of any width, order and byte order, clipped to the volume.
        They are only read; copied if they are not contiguous in C order.
    """
    from voxlake.ngff.label_index.kernel import scan_shard

    # One memory layout, and read-only, so that numba compiles one variant per width.
    plain = np.require(voxels, voxels.dtype.newbyteorder("="), ["C", "A"]).view()
    plain.flags.writeable = False
    z, y, x = volume.chunk
    found = scan_shard(plain, (z, y, x), chunk_grid(volume))
    found = found[np.argsort(found[:, 0], kind="stable")]
    chunks = found[:, 1].astype(np.int64)
    origin = chunk_starts(volume, cell, chunks)
    boxes = found[:, 3:].astype(np.int64)
    return Rows(
        labels=found[:, 0].copy(),
        chunks=chunks.astype(np.uint16),
        voxels=found[:, 2].copy(),
        start=boxes[:, :3] + origin,
        stop=boxes[:, 3:] + origin,
    )


def chunk_starts(
    volume: Volume, cell: tuple[int, ...], chunks: npt.NDArray[np.integer]
) -> npt.NDArray[np.int64]:
    """Return (n, 3): the first voxel of chunks, numbered as in `Rows.chunks`, of a shard."""
    index = np.stack(np.unravel_index(chunks.astype(np.intp), chunk_grid(volume)), axis=-1)
    shard = np.multiply(cell, volume.shard, dtype=np.int64)
    return np.asarray(shard + index * np.array(volume.chunk, np.int64), np.int64)
