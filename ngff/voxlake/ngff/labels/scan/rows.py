"""Rows of the label index: what the voxels of one shard say of every label in every chunk."""

from __future__ import annotations

import math
import secrets
import warnings
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.ngff.grid.box import Box, grid_shape
from voxlake.ngff.labels.scan import plain
from voxlake.ngff.labels.scan.plain import FIELDS
from voxlake.ngff.memory.columns import LabelColumns, no_lines
from voxlake.ngff.memory.reuse import reused
from voxlake.ngff.memory.strided import rows_of
from voxlake.platform.errors import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import numpy.typing as npt

    from voxlake.ngff.volume import Volume

    type Scanned = tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]
    type Scanner = Callable[
        [npt.NDArray[Any], tuple[int, int], npt.NDArray[np.int64], npt.NDArray[np.int64]], Scanned
    ]

MAX_CHUNKS = 1 << 16
"""Chunks of a shard that the 16-bit chunk number of a row can tell apart."""

_ROWS = 1 << 12
"""Rows that each thread keeps memory for: few chunks have more labels."""

_FACTOR = np.uint64(secrets.randbits(64) | 1)
"""What this process hashes labels with: whoever chooses labels shall not choose collisions."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows(LabelColumns):
    """One row per (label, chunk) of a shard, sorted by label, then chunk."""

    chunks: npt.NDArray[np.uint16]
    """(n,) C-order index of the chunk in the grid of chunks of a whole shard."""
    voxels: npt.NDArray[np.uint64]
    """(n,) voxels of the chunk that have the label; at least 1."""
    start: npt.NDArray[np.int64]
    """(n, 3) first z, y, x of the label in the chunk, in coordinates of the volume."""
    stop: npt.NDArray[np.int64]
    """(n, 3) one past its last z, y, x: boxes are tight and half-open."""


NOTHING = no_lines(Rows, "u8", "u2", "u8", "3i8", "3i8")


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What was found in some chunks of a shard, chunk by chunk: `joined_rows` makes it `Rows`."""

    chunks: npt.NDArray[np.integer]
    """(n,) numbers as in `Rows.chunks`."""
    counts: npt.NDArray[np.int64]
    """(n,) how many labels each chunk has."""
    rows: npt.NDArray[np.uint64]
    """(m, FIELDS) as of `kernel.scan_blocks`: boxes begin at the first voxel of the chunk."""


def check_labels(volume: Volume) -> None:
    """Refuse a volume that the label index cannot describe.

    Raises
    ------
    UnsupportedError
        If it is not (z, y, x), not of unsigned integers, filled with a label, or has more shards
        than can be numbered, or more than `MAX_CHUNKS` chunks in one.
    """
    if len(volume.shape) != 3 or volume.dtype.kind != "u":
        raise UnsupportedError(
            f"{volume.url} is {volume.dtype} with {len(volume.shape)} axes; "
            "a label index needs unsigned integers with the axes z, y, x, and of labels in time is "
            "of each time point"
        )
    if volume.fill != 0:
        raise UnsupportedError(
            f"{volume.url} is filled with label {volume.fill} where nothing is stored; "
            "a label index needs the fill value 0"
        )
    shards = math.prod(volume.grid)
    if shards >= 1 << 63:
        raise UnsupportedError(
            f"{volume.url} has {shards} shards; a label index takes fewer than 2^63"
        )
    chunks = math.prod(chunk_grid(volume))
    if chunks > MAX_CHUNKS:
        raise UnsupportedError(
            f"{volume.url} has {chunks} chunks in a shard; a label index takes {MAX_CHUNKS}: "
            "use larger chunks or smaller shards"
        )


def chunk_grid(volume: Volume) -> tuple[int, int, int]:
    """Return how many chunks a whole shard has along z, y, x."""
    z, y, x = grid_shape(volume.shard, volume.chunk)
    return z, y, x


def find_rows(volume: Volume, cell: tuple[int, ...], voxels: npt.NDArray[Any]) -> Rows:
    """Return the rows of the shard at `cell`, of whose `voxels` nothing else is read.

    Parameters
    ----------
    voxels
        (z, y, x) unsigned integers of any width, order and byte order, clipped to the volume.
        They are only read; copied if they have not contiguous rows.
    """
    return joined_rows(volume, cell, [found_in_box(volume, volume.shard_box(cell), voxels)])


def found_in_box(volume: Volume, box: Box, voxels: npt.NDArray[Any]) -> Found:
    """Return what is in the chunks of `box`.

    Parameters
    ----------
    box
        Lies within one shard, begins on the chunk grid, and ends on it or where the volume does.
    voxels
        Of the box; as of `find_rows`.
    """
    rows, counts = scan_chunks(voxels, volume.chunk)
    grid = chunk_grid(volume)
    inner = np.array(list(box.cells(volume.chunk)), np.int64) % np.array(grid)
    return Found(np.ravel_multi_index(tuple(inner.T), grid), counts, rows)


def found_in_chunks(
    chunks: Mapping[int, npt.NDArray[Any]], extents: npt.NDArray[np.int64]
) -> Found:
    """Return what is in some chunks of a shard.

    Parameters
    ----------
    chunks
        The voxels, (z, y, x), of whole chunks, as decoded, by their number as in `Rows.chunks`.
    extents
        What of each chunk of the shard is looked at; as of `chunk_extents`.
    """
    place, found, counts = np.zeros(1, np.int64), [], []
    for number, voxels in chunks.items():
        flat, sz, sy, *_ = rows_of(_plain(voxels))
        rows, count = _scanner(flat.dtype)(flat, (sz, sy), place, extents[number : number + 1])
        found.append(rows)
        counts.append(count)
    return Found(np.array(list(chunks)), np.concatenate(counts), np.concatenate(found))


def joined_rows(volume: Volume, cell: tuple[int, ...], parts: Iterable[Found]) -> Rows:
    """Return the rows of the shard at `cell`; no chunk is in two parts."""
    # Imports the compiler, which reading labels does without.
    from voxlake.ngff.labels.scan.sorting import lay_out, sorted_by_label

    none = np.zeros(0, np.int64)
    found = [Found(none, none, np.zeros((0, FIELDS), np.uint64)), *parts]
    rows = np.concatenate([part.rows for part in found])
    numbers = np.concatenate([part.chunks for part in found]).astype(np.uint16)
    chunks = numbers.repeat(np.concatenate([part.counts for part in found]))
    starts = chunk_starts(volume, cell, np.arange(math.prod(chunk_grid(volume))))
    order = sorted_by_label(rows[:, 0].copy(), np.argsort(chunks, kind="stable"))
    return Rows(*lay_out(rows, chunks, starts, order))


def scan_chunks(voxels: npt.NDArray[Any], chunk: tuple[int, ...]) -> Scanned:
    """Return what `kernel.scan_blocks` finds in (z, y, x) voxels cut into chunks, in C order."""
    flat, sz, sy, *_ = rows_of(_plain(voxels))
    starts, extents = _cut(voxels.shape, chunk)
    return _scanner(flat.dtype)(flat, (sz, sy), starts @ np.array([sz, sy, 1]), extents)


@lru_cache(16)
def _cut(
    shape: tuple[int, ...], chunk: tuple[int, ...]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return (n, 3) where each chunk begins, and how many of its voxels there are."""
    cells = np.array(list(Box.of_shape(shape).cells(chunk)), np.int64).reshape(-1, 3)
    starts = cells * np.array(chunk)
    return starts, np.minimum(np.array(chunk), np.array(shape) - starts)


@cache
def _scanner(dtype: np.dtype[Any]) -> Scanner:
    """Return what scans voxels of a type: the kernel, or its plain twin if it does not compile."""
    one = np.ones(1, dtype)
    one.flags.writeable = False
    try:
        _scan_compiled(one, (1, 1), np.zeros(1, np.int64), np.ones((1, 3), np.int64))
    except Exception as error:  # noqa: BLE001  (of numba, of LLVM, or of what they import)
        _warn_of_plain_scans(f"{type(error).__name__}: {error}")
        return plain.scan_blocks
    return _scan_compiled


def _scan_compiled(
    flat: npt.NDArray[Any],
    strides: tuple[int, int],
    places: npt.NDArray[np.int64],
    extents: npt.NDArray[np.int64],
) -> Scanned:
    # Imports the compiler, which reading labels does without.
    from voxlake.ngff.labels.scan.kernel import SPARSE, scan_blocks

    rows = reused("label rows", (_ROWS, FIELDS), np.dtype(np.uint64))
    slots = reused("label slots", (SPARSE * _ROWS,), np.dtype(np.uint32))
    return scan_blocks(flat, strides, places, extents, (rows, slots), _FACTOR)


@cache
def _warn_of_plain_scans(reason: str) -> None:
    """Warn, once in a process, that labels are indexed slowly."""
    warnings.warn(
        f"the kernel that indexes labels does not compile ({reason.splitlines()[0]}); NumPy takes "
        "its place, with the same answers and much slower: install the numba that voxlake asks for",
        RuntimeWarning,
        stacklevel=2,
    )


def _plain(voxels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the voxels in native byte order with contiguous rows, and read-only.

    All alike, so that numba compiles one variant for each width.
    """
    size, (sz, sy, sx) = voxels.itemsize, voxels.strides
    regular = sx == size and sz >= 0 and sy >= 0 and sz % size == sy % size == 0
    if regular and voxels.dtype.isnative and voxels.flags.aligned:
        plain = voxels.view()
    else:
        plain = voxels.astype(voxels.dtype.newbyteorder("="), order="C")
    plain.flags.writeable = False
    return plain


def chunk_starts(
    volume: Volume, cell: tuple[int, ...], chunks: npt.NDArray[np.integer]
) -> npt.NDArray[np.int64]:
    """Return (n, 3): the first voxel of chunks, numbered as in `Rows.chunks`, of a shard."""
    index = np.stack(np.unravel_index(chunks.astype(np.intp), chunk_grid(volume)), axis=-1)
    shard = np.multiply(cell, volume.shard, dtype=np.int64)
    return np.asarray(shard + index * np.array(volume.chunk, np.int64), np.int64)


def chunk_extents(volume: Volume, cell: tuple[int, ...]) -> npt.NDArray[np.int64]:
    """Return (n, 3): how many voxels of each chunk of a shard lie in the volume, along z, y, x."""
    starts = chunk_starts(volume, cell, np.arange(math.prod(chunk_grid(volume))))
    extents = np.clip(np.array(volume.shape) - starts, 0, np.array(volume.chunk))
    extents[(extents == 0).any(axis=1)] = 0
    return extents
