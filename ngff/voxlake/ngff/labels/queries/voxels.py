"""The voxels of a label, chunk by chunk; each shard as it was at one moment."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.ngff.grid.box import Box, Cell
from voxlake.ngff.labels.queries.one_state import read_tiles_of
from voxlake.ngff.labels.scan.rows import chunk_starts
from voxlake.ngff.labels.sidecars.trust import shard_etag, trusted_rows
from voxlake.ngff.labels.state import find_rows_in_force
from voxlake.ngff.shards.whole import read_shard
from voxlake.platform.errors import ConflictError, LimitExceededError
from voxlake.platform.parallel import in_parallel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import numpy.typing as npt

    from voxlake.ngff.labels.label_id import OneLabel
    from voxlake.ngff.labels.scan.rows import Rows
    from voxlake.ngff.labels.state import IndexState
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL

ATTEMPTS = 2
"""Tries at a shard that is written while it is read, before it is read whole."""

READ_BYTES = 16 << 20
"""Decoded voxels that each thread asks for at a time, or one chunk if that is larger."""

SHARDS_AT_ONCE = 4
"""Shards that are read at the same time."""

FEW_SHARDS = 64
"""Shards of a box that are asked one by one, rather than first asking where the label is."""

MAX_VOXELS = 1 << 30
"""Voxels of a mask, a byte each, unless the caller says else."""

type Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class ChunkMask:
    """The voxels of a label in one chunk; there is at least one."""

    box: Box
    """The chunk, clipped to the box that was asked."""
    mask: Mask
    """(z, y, x) which voxels of `box` have the label."""


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """Where in a box are the voxels of a label."""

    volume: Volume
    index_url: StoreURL
    one: OneLabel
    box: Box
    cells: tuple[Cell, ...]
    """The shards that may have some, in C order."""


def question_of(state: IndexState, one: OneLabel, box: Box | None) -> Question:
    """Return the question, checked; without a box it is about the whole volume.

    Of a box of more than `FEW_SHARDS` shards those are asked in which the state has the label, and
    no others; of a smaller one all.
    """
    volume = state.volume
    if box is None:
        box = volume.box
    box.check_inside(volume.box, str(volume.url))
    return Question(volume, state.index_url, one, box, tuple(_cells(state, one, box)))


def ask_shards[T](
    question: Question, take: Callable[[ChunkMask], T]
) -> Iterator[tuple[Cell, list[T]]]:
    """Yield, for shards in C order, the cell and what `take` makes of their chunks, in C order.

    What a shard answers is true of one state that it had meanwhile, whatever the state of the
    index; different shards may be seen at different moments. A chunk is read only if it
    holds the label, and if its rows do not say already which of its voxels do. At most
    `SHARDS_AT_ONCE` shards are in memory, as `take` made them.
    """
    ask = partial(_ask_shard, question, take=take)
    answers = in_parallel(ask, question.cells, SHARDS_AT_ONCE)
    yield from zip(question.cells, answers, strict=True)


def mask_of(state: IndexState, one: OneLabel, box: Box, max_voxels: int = MAX_VOXELS) -> Mask:
    """Return which voxels of `box` have a label: (z, y, x), a byte each.

    Raises
    ------
    LimitExceededError
        If the box has more than `max_voxels`; before anything is read.
    """
    if box.size > max_voxels:
        raise LimitExceededError(
            f"a mask of {box.size} voxels was asked of {state.volume.url} and {max_voxels} are "
            "allowed; ask for smaller boxes, or for the sparse volume"
        )
    mask = np.zeros(box.shape, np.bool_)
    for _, chunks in ask_shards(question_of(state, one, box), lambda chunk: chunk):
        for chunk in chunks:
            mask[chunk.box.within(box).slices] = chunk.mask
    return mask


def _cells(state: IndexState, one: OneLabel, box: Box) -> Iterable[Cell]:
    """Return the shards that may have some of a label, in C order."""
    shard = state.volume.shard
    if box.is_empty:
        return []
    grid = box.aligned(shard)
    if grid.size // math.prod(shard) <= FEW_SHARDS:
        return box.cells(shard)
    rows = find_rows_in_force(state, one.wanted)
    cells = np.stack(
        np.unravel_index(np.unique(rows.shards).astype(np.intp), state.volume.grid), axis=-1
    )
    inside = ((cells * shard >= grid.start) & (cells * shard < grid.stop)).all(axis=1)
    return map(tuple, cells[inside].tolist())


def _ask_shard[T](question: Question, cell: Cell, take: Callable[[ChunkMask], T]) -> list[T]:
    volume = question.volume
    for _ in range(ATTEMPTS):
        etag = shard_etag(volume, cell)
        if etag is None:
            return []
        rows = trusted_rows(volume, question.index_url, cell, etag)
        tiles = _tiles(question, cell, rows)
        with suppress(ConflictError):  # others have written to it
            return [take(each) for each in _read(question, cell, etag, tiles) if each.mask.any()]
    voxels, _ = read_shard(volume, cell)
    shard = volume.shard_box(cell)
    whole = (
        ChunkMask(tile, _where(question, voxels[tile.within(shard).slices]))
        for tile, _ in _tiles(question, cell, None)
    )
    return [take(each) for each in whole if each.mask.any()]


def _tiles(question: Question, cell: Cell, rows: Rows | None) -> list[tuple[Box, Mask | None]]:
    """Return the chunks of a shard that may hold the label, and their mask if the rows tell it."""
    volume = question.volume
    box = question.box & volume.shard_box(cell)
    if rows is None:
        return [(tile, None) for tile in box.tiles(volume.chunk)]
    meets = ((rows.start < box.stop) & (rows.stop > box.start)).all(axis=1)
    kept = rows.where(meets & np.isin(rows.labels, question.one.wanted))
    chunks = np.unique(kept.chunks)
    starts = map(tuple, chunk_starts(volume, cell, chunks).tolist())
    tiles = (Box.of_shape(volume.chunk).shifted(start) & box for start in starts)
    return [
        (tile, _solid(kept.where(kept.chunks == chunk), tile))
        for chunk, tile in zip(chunks, tiles, strict=True)
    ]


def _solid(rows: Rows, tile: Box) -> Mask | None:
    """Return the mask of a chunk if each of its members fills its box; None if it must be read."""
    if (rows.voxels != (rows.stop - rows.start).prod(axis=1).astype(np.uint64)).any():
        return None
    mask = np.zeros(tile.shape, np.bool_)
    for start, stop in zip(rows.start.tolist(), rows.stop.tolist(), strict=True):
        mask[(Box(tuple(start), tuple(stop)) & tile).within(tile).slices] = True
    return mask


def _read(
    question: Question, cell: Cell, etag: str, tiles: list[tuple[Box, Mask | None]]
) -> Iterator[ChunkMask]:
    """Yield the masks of chunks of a shard in a state; raise ConflictError if it is in another."""
    unknown = [tile for tile, mask in tiles if mask is None]
    voxels = read_tiles_of(question.volume, cell, etag, unknown, READ_BYTES)
    for tile, mask in tiles:
        yield ChunkMask(tile, _where(question, next(voxels)) if mask is None else mask)
    if unknown:
        next(voxels, None)  # what is looked at after the last


def _where(question: Question, voxels: npt.NDArray[Any]) -> Mask:
    largest = int(np.iinfo(voxels.dtype).max)
    labels = np.array([label for label in question.one.members if label <= largest], voxels.dtype)
    if len(labels) == 1:
        return np.asarray(voxels == labels[0])
    return np.isin(voxels, labels)
