"""Points: voxels of a label, without reading all of it; and the labels at given voxels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from voxlake.ngff.grid.box import Box, Cell, cell_box
from voxlake.ngff.labels.queries.extent import chunks_of
from voxlake.ngff.labels.queries.one_state import read_tiles
from voxlake.ngff.labels.scan.rows import check_labels, chunk_starts
from voxlake.ngff.labels.scan.stored import stored_rows
from voxlake.ngff.labels.sidecars.trust import known_rows, shard_etag
from voxlake.platform.errors import InvalidInputError, OutdatedError, OutOfBoundsError
from voxlake.platform.parallel import in_parallel

if TYPE_CHECKING:
    import numpy.typing as npt

    from voxlake.ngff.labels.label_id import OneLabel
    from voxlake.ngff.labels.state import IndexState
    from voxlake.ngff.volume import Volume


@dataclass(frozen=True, slots=True, eq=False)
class _Counted:
    """The voxels of a label in the chunks of one state of a shard."""

    cell: Cell
    etag: str
    start: npt.NDArray[np.int64]
    """(n, 3) first voxel of each chunk, in C order."""
    voxels: npt.NDArray[np.int64]
    """(n,) how many voxels of each have the label."""


def point_of(state: IndexState, one: OneLabel) -> tuple[int, int, int]:
    """Return a voxel z, y, x that has a label, always the same one of the same voxels.

    It is the voxel nearest to the centroid of the label within the middle one, in C order, of the
    chunks that hold it; the first in C order of equals. Only that chunk is read.
    """
    volume, cells = state.volume, chunks_of(state, one)
    chunk = cell_box(tuple(cells[len(cells) // 2].tolist()), volume.chunk) & volume.box
    where = np.argwhere(np.isin(volume.read(chunk).result(), one.wanted))
    if not len(where):
        raise _written_since(state, one)
    nearest = np.square(where - where.mean(axis=0)).sum(axis=1).argmin()
    z, y, x = (where[nearest] + chunk.start).tolist()
    return z, y, x


def points_of(state: IndexState, one: OneLabel, count: int, seed: int = 0) -> npt.NDArray[np.int64]:
    """Return (count, 3) voxels z, y, x that have a label, drawn at random.

    Each is drawn uniformly from all voxels of the label, whatever was drawn before, so one may
    come twice. The same voxels, `count` and `seed` always give the same points. Only chunks are
    read that a point was drawn in.

    Raises
    ------
    InvalidInputError
        If `count` is negative.
    """
    if count < 0:
        raise InvalidInputError(f"{count} points were asked for; ask for 0 or more")
    shards = _counted(state, one)
    total = sum(int(shard.voxels.sum()) for shard in shards)
    if not total:
        raise _written_since(state, one)
    return _drawn(state, one, shards, np.random.default_rng(seed).integers(0, total, count))


def _counted(state: IndexState, one: OneLabel) -> list[_Counted]:
    """Count the label in the shards that have it by a state, as they are by now."""
    volume, wanted = state.volume, one.wanted
    shards = np.unique(chunks_of(state, one) * volume.chunk // np.array(volume.shard), axis=0)

    def ask(cell: Cell) -> _Counted:
        rows, etag = known_rows(volume, state.index_url, cell) or stored_rows(volume, cell)
        rows = rows.where(np.isin(rows.labels, wanted))
        chunks, lines = np.unique(rows.chunks, return_inverse=True)
        counts = np.zeros(len(chunks), np.int64)
        np.add.at(counts, lines, rows.voxels.astype(np.int64))
        return _Counted(cell, etag, chunk_starts(volume, cell, chunks), counts)

    return list(in_parallel(ask, map(tuple, shards.tolist())))


def _drawn(
    state: IndexState, one: OneLabel, shards: list[_Counted], drawn: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Return the voxels of the given numbers, all voxels of the label being numbered on end."""
    volume, wanted, points = state.volume, one.wanted, np.empty((len(drawn), 3), np.int64)
    first = 0
    for shard in shards:
        ends = first + np.cumsum(shard.voxels)
        begins = ends - shard.voxels
        before, first = first, first + int(shard.voxels.sum())
        inside = drawn[(drawn >= before) & (drawn < first)]
        for line in np.unique(np.searchsorted(ends, inside, "right")):
            chunk = Box.of_shape(volume.chunk).shifted(tuple(shard.start[line].tolist()))
            box = chunk & volume.box
            where = np.argwhere(np.isin(volume.read(box).result(), wanted))
            if len(where) != shard.voxels[line]:
                raise _written_since(state, one)
            here = (drawn >= begins[line]) & (drawn < ends[line])
            points[here] = where[drawn[here] - begins[line]] + np.array(box.start)
        if len(ends) and shard_etag(volume, shard.cell) != shard.etag:
            raise _written_since(state, one)
    return points


def _written_since(state: IndexState, one: OneLabel) -> OutdatedError:
    return OutdatedError(
        f"label {one.label} of {state.volume.url} was written before it could be read; ask again "
        "by a new view, when fewer write to it"
    )


POINTS_BYTES = 64 << 20
"""Decoded voxels that are asked for at a time, or one chunk if that is larger."""


def labels_at(volume: Volume, points: npt.ArrayLike) -> npt.NDArray[np.uint64]:
    """Return the label (n,) at each of `points`; 0 where there is none.

    Each chunk that holds points is read once. Memory holds a bounded number of them.

    Parameters
    ----------
    points
        (n, 3) voxels z, y, x of level 0.

    Raises
    ------
    InvalidInputError
        If they are no integers of that shape.
    OutOfBoundsError
        If one is not inside the volume.
    """
    check_labels(volume)
    places = _checked(volume, points)
    labels = np.zeros(len(places), np.uint64)
    cells, lines = np.unique(places // np.array(volume.chunk), axis=0, return_inverse=True)
    order = np.argsort(lines, kind="stable")
    ends = np.searchsorted(lines[order], np.arange(len(cells)), "right")
    groups = np.split(order, ends[:-1]) if len(cells) else []
    boxes = [cell_box(tuple(cell), volume.chunk) & volume.box for cell in cells.tolist()]
    chunks = read_tiles(volume, boxes, POINTS_BYTES)
    for box, voxels, group in zip(boxes, chunks, groups, strict=True):
        labels[group] = voxels[tuple((places[group] - np.array(box.start)).T)]
    return labels


def _checked(volume: Volume, points: npt.ArrayLike) -> npt.NDArray[np.int64]:
    places = np.asarray(points)
    if not places.size:
        return np.empty((0, 3), np.int64)
    if places.ndim != 2 or places.shape[1] != 3 or places.dtype.kind not in "ui":
        raise InvalidInputError(
            f"points are {places.dtype} of the shape {places.shape}; give integers z, y, x of each"
        )
    outside = ((places < 0) | (places >= np.array(volume.shape))).any(axis=1)
    if outside.any():
        first = tuple(places[outside][0].tolist())
        raise OutOfBoundsError(
            f"the point {first} is not inside {volume.url}, which has {volume.shape} voxels"
        )
    return places.astype(np.int64)
