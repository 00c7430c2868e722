"""Tables: a mapping as Parquet, sorted by supervoxel, checksummed.

There is one of each import, and snapshots: the log folded up to a number, each created once.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from voxlake.ngff.columns import arrow_column, numpy_column
from voxlake.ngff.memory.columns import Columns, no_lines
from voxlake.ngff.versioned import checked_table
from voxlake.ngff.versioned.numbered import numbered_url, numbers
from voxlake.platform import store
from voxlake.platform.errors import InvalidInputError, ObjectExistsError, ObjectNotFoundError

if TYPE_CHECKING:
    import numpy.typing as npt

    from voxlake.platform.store import StoreURL

PAIRS_SCHEMA = pa.schema(
    [
        pa.field("supervoxel", pa.uint64(), nullable=False),
        pa.field("body", pa.uint64(), nullable=False),
    ]
)
"""One row a supervoxel: id, and that of its body."""
_ZSTD_LEVEL = 3
_GROUP_ROWS = 1 << 20


@dataclass(frozen=True, slots=True, eq=False)
class Pairs(Columns):
    """Supervoxels and their bodies; a supervoxel that is not among them is its own body."""

    supervoxels: npt.NDArray[np.uint64]
    """(n,) ascending, each once, without 0."""
    bodies: npt.NDArray[np.uint64]
    """(n,) the body of each; 0 makes it background."""


NO_PAIRS = no_lines(Pairs, "u8", "u8")


def pairs_of(supervoxels: npt.ArrayLike, bodies: npt.ArrayLike) -> Pairs:
    """Return pairs sorted, without the background 0.

    Examples
    --------
    >>> pairs_of([2, 1], [(1 << 64) - 1, 7]).bodies
    array([                   7, 18446744073709551615], dtype=uint64)

    Raises
    ------
    InvalidInputError
        If they are no unsigned integers, of unequal length, a supervoxel has two bodies, or the
        background has one.
    """
    keys, values = _as_labels(supervoxels), _as_labels(bodies)
    if keys.shape != values.shape:
        raise InvalidInputError(
            f"{keys.size} supervoxels cannot have {values.size} bodies; give one for each"
        )
    order = np.argsort(keys, kind="stable")
    keys, values = keys[order], values[order]
    again = np.append(np.zeros(min(1, len(keys)), np.bool_), keys[1:] == keys[:-1])
    torn = keys[again][values[again] != values[np.flatnonzero(again) - 1]]
    if len(torn):
        raise InvalidInputError(f"supervoxel {torn[0]} has two bodies; give one for each")
    if values[keys == 0].any():
        raise InvalidInputError("supervoxel 0 is the background; leave out its body")
    kept = ~again & (keys != 0)
    return Pairs(keys[kept], values[kept])


def _as_labels(values: npt.ArrayLike) -> npt.NDArray[np.uint64]:
    labels = np.asarray(values)
    if labels.dtype.kind in "fO" and labels.ndim == 1:
        labels = _of_integers(values, labels)
    if labels.ndim != 1 or (labels.size and labels.dtype.kind not in "ui"):
        raise InvalidInputError(
            f"labels are a list of integers, and these are {labels.dtype} in {labels.ndim} axes"
        )
    if labels.size and labels.dtype.kind == "i" and int(labels.min()) < 0:
        raise InvalidInputError(f"{labels.min()} is no label; labels are 0 to 2^64 - 1")
    return labels.astype(np.uint64)


def _of_integers(values: npt.ArrayLike, labels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return Python's integers as they are: on both sides of 2^63 they become floats in NumPy."""
    given = values if isinstance(values, list | tuple) else [None]
    fit = all(type(each) is int and 0 <= each < 1 << 64 for each in given)
    return np.array(given, np.uint64) if fit else labels


def read_table(url: StoreURL) -> Pairs:
    """Return the mapping of a table.

    Raises
    ------
    ObjectNotFoundError
        If there is none.
    """
    return checked_table.read_table(url, _pairs, _checksum, "restore it, or delete a snapshot")


def encode(pairs: Pairs) -> bytes:
    """Return the mapping as Parquet; equal mappings give equal bytes."""
    columns = [arrow_column(pairs.supervoxels), arrow_column(pairs.bodies)]
    table = pa.table(columns, schema=PAIRS_SCHEMA)
    encodings = dict.fromkeys(PAIRS_SCHEMA.names, "DELTA_BINARY_PACKED")
    return checked_table.encode_table(table, _checksum(pairs), encodings, _ZSTD_LEVEL, _GROUP_ROWS)


def snapshot_url(mapping_url: StoreURL, number: int) -> StoreURL:
    """Return the address of the snapshot of a number."""
    return numbered_url(mapping_url / "snapshots", number, "parquet")


def table_url(mapping_url: StoreURL, ulid: str) -> StoreURL:
    """Return the address of the table that an entry of the log names."""
    return mapping_url / "tables" / f"{ulid}.parquet"


def newest_snapshot(mapping_url: StoreURL, at: int | None = None) -> tuple[int, Pairs]:
    """Return the newest snapshot, or the newest up to `at`; nothing mapped if there is none."""
    for number in reversed(numbers(mapping_url / "snapshots")):
        if at is None or number <= at:
            try:
                return number, read_table(snapshot_url(mapping_url, number))
            except ObjectNotFoundError:
                # Someone deleted it: it only saved time.
                continue
    return 0, NO_PAIRS


def create_snapshot(mapping_url: StoreURL, number: int, pairs: Pairs) -> None:
    """Write the snapshot of a number, unless another writer has: theirs says the same."""
    try:
        store.create(snapshot_url(mapping_url, number), encode(pairs))
    except ObjectExistsError:
        return


def _pairs(table: pa.Table) -> Pairs:
    columns = [numpy_column(table[name]) for name in PAIRS_SCHEMA.names]
    return Pairs(*(np.ascontiguousarray(column, np.uint64) for column in columns))


def _checksum(pairs: Pairs) -> int:
    return zlib.crc32(pairs.bodies, zlib.crc32(pairs.supervoxels))
