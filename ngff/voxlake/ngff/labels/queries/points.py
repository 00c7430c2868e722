"""Points: voxels of a label, one or many, without reading all of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from voxlake.ngff.grid.box import Box, cell_box
from voxlake.ngff.labels.queries.voxels import question_of
from voxlake.ngff.labels.queries.where import absent, chunks_of, label_list, named
from voxlake.ngff.labels.scan.rows import chunk_starts, find_rows
from voxlake.ngff.labels.sidecars.trust import in_parallel, shard_etag, trusted_rows
from voxlake.ngff.shards.whole import read_shard
from voxlake.platform.errors import ConflictError, InvalidInputError

if TYPE_CHECKING:
    import numpy.typing as npt

    from voxlake.ngff.labels.queries.where import Labels
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL

ATTEMPTS = 5
"""Tries at a label that is written while it is sampled."""

type Cell = tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Counted:
    """The voxels of a label in the chunks of one state of a shard."""

    cell: Cell
    etag: str | None
    start: npt.NDArray[np.int64]
    """(n, 3) first voxel of each chunk, in C order."""
    voxels: npt.NDArray[np.int64]
    """(n,) how many voxels of each have the label."""


def point_of(volume: Volume, index_url: StoreURL, labels: Labels) -> tuple[int, int, int]:
    """Return a voxel z, y, x that has one of `labels`, always the same one of the same voxels.

    Several labels are taken as one. It is the voxel nearest to the centroid of the label within
    the middle one, in C order, of the chunks that hold it; the first in C order of equals. Only
    that chunk is read.

    Raises
    ------
    InvalidInputError, UnsupportedError
        See `question_of`.
    NotFoundError
        If no voxel has the label.
    ConflictError
        If the voxels change each time before they can be read.
    CorruptDataError, StoreError
        If voxels that are needed do not decode, or the store fails.
    """
    question_of(volume, index_url, labels, None)
    wanted = _wanted(labels)
    for _ in range(ATTEMPTS):
        cells = _cells(volume, index_url, labels)
        chunk = cell_box(tuple(cells[len(cells) // 2].tolist()), volume.chunk) & volume.box
        where = np.argwhere(np.isin(volume.read(chunk).result(), wanted))
        if len(where):
            nearest = np.square(where - where.mean(axis=0)).sum(axis=1).argmin()
            z, y, x = (where[nearest] + chunk.start).tolist()
            return z, y, x
    raise _changing(volume, labels)


def points_of(
    volume: Volume, index_url: StoreURL, labels: Labels, count: int, seed: int = 0
) -> npt.NDArray[np.int64]:
    """Return (count, 3) voxels z, y, x that have one of `labels`, drawn at random.

    Each is drawn uniformly from all voxels of the labels, whatever was drawn before, so one may
    come twice. The same voxels, `count` and `seed` always give the same points. Only chunks are
    read that a point was drawn in.

    Raises
    ------
    InvalidInputError, UnsupportedError
        See `question_of`; also if `count` is negative.
    NotFoundError
        If no voxel has the label.
    ConflictError
        If the voxels change each time before they can be read.
    CorruptDataError, StoreError
        If voxels that are needed do not decode, or the store fails.
    """
    question_of(volume, index_url, labels, None)
    if count < 0:
        raise InvalidInputError(f"{count} points were asked for; ask for 0 or more")
    for _ in range(ATTEMPTS):
        shards = _counted(volume, index_url, labels)
        total = sum(int(shard.voxels.sum()) for shard in shards)
        if not total:
            continue
        drawn = np.random.default_rng(seed).integers(0, total, count)
        points = _drawn(volume, labels, shards, drawn)
        if points is not None:
            return points
    raise _changing(volume, labels)


def _counted(volume: Volume, index_url: StoreURL, labels: Labels) -> list[_Counted]:
    wanted = _wanted(labels)
    cells = _cells(volume, index_url, labels)
    shards = np.unique(cells * volume.chunk // np.array(volume.shard), axis=0)

    def ask(cell: Cell) -> _Counted:
        etag = shard_etag(volume, cell)
        rows = None if etag is None else trusted_rows(volume, index_url, cell, etag)
        if rows is None:
            voxels, etag = read_shard(volume, cell)
            rows = find_rows(volume, cell, voxels)
        found = rows.where(np.isin(rows.labels, wanted))
        chunks, lines = np.unique(found.chunks, return_inverse=True)
        counts = np.zeros(len(chunks), np.int64)
        np.add.at(counts, lines, found.voxels.astype(np.int64))
        return _Counted(cell, etag, chunk_starts(volume, cell, chunks), counts)

    return list(in_parallel(ask, map(tuple, shards.tolist())))


def _drawn(
    volume: Volume, labels: Labels, shards: list[_Counted], drawn: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64] | None:
    """Return the voxels of the given numbers, all voxels of the label being numbered on end.

    None if a shard is no longer as it was when it was counted.
    """
    wanted, points = _wanted(labels), np.empty((len(drawn), 3), np.int64)
    first = 0
    for shard in shards:
        ends = first + np.cumsum(shard.voxels)
        begins = ends - shard.voxels
        for line in np.unique(np.searchsorted(ends, _between(drawn, first, ends), "right")):
            chunk = Box.of_shape(volume.chunk).shifted(tuple(shard.start[line].tolist()))
            box = chunk & volume.box
            where = np.argwhere(np.isin(volume.read(box).result(), wanted))
            if len(where) != shard.voxels[line]:
                return None
            here = (drawn >= begins[line]) & (drawn < ends[line])
            points[here] = where[drawn[here] - begins[line]] + np.array(box.start)
        if len(ends) and shard_etag(volume, shard.cell) != shard.etag:
            return None
        first = int(ends[-1]) if len(ends) else first
    return points


def _between(
    drawn: npt.NDArray[np.int64], first: int, ends: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    return drawn[(drawn >= first) & (drawn < (ends[-1] if len(ends) else first))]


def _wanted(labels: Labels) -> npt.NDArray[np.uint64]:
    return np.array(label_list(labels), np.uint64)


def _cells(volume: Volume, index_url: StoreURL, labels: Labels) -> npt.NDArray[np.int64]:
    cells = chunks_of(volume, index_url, labels)
    if not len(cells):
        raise absent(volume, labels)
    return cells


def _changing(volume: Volume, labels: Labels) -> ConflictError:
    return ConflictError(
        f"label {named(labels)} of {volume.url} changed each of {ATTEMPTS} times before it could "
        "be read; ask again when fewer write to it"
    )
