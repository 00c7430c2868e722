"""Parts: the voxels of labels, chunk by chunk; each shard as it was at one moment."""

from __future__ import annotations

import math
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import batched
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.ngff.grid.box import Box
from voxlake.ngff.labels.queries.where import chunks_of, label_list
from voxlake.ngff.labels.scan.rows import check_labels, chunk_starts
from voxlake.ngff.labels.sidecars.trust import shard_etag, trusted_rows
from voxlake.ngff.shards.whole import read_shard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

    import numpy.typing as npt

    from voxlake.ngff.labels.queries.where import Labels
    from voxlake.ngff.labels.scan.rows import Rows
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL

ATTEMPTS = 2
"""Tries at a shard that is written while it is read, before it is read whole."""

READ_BYTES = 16 << 20
"""Decoded voxels that each thread asks for at a time, or one chunk if that is larger."""

SHARDS_AT_ONCE = 4
"""Shards that are read at the same time."""

FEW_SHARDS = 64
"""Shards of a box that are asked one by one, rather than first asking where the labels are."""

type Cell = tuple[int, ...]
type Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """The voxels of the labels in one chunk; there is at least one."""

    box: Box
    """The chunk, clipped to the box that was asked."""
    mask: Mask
    """(z, y, x) which voxels of `box` have one of the labels."""


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """Where in a box are the voxels of some labels."""

    volume: Volume
    index_url: StoreURL
    labels: tuple[int, ...]
    """Ascending, each once; taken as one."""
    box: Box


def question_of(volume: Volume, index_url: StoreURL, labels: Labels, box: Box | None) -> Question:
    """Return the question, checked; without a box it is about the whole volume.

    Raises
    ------
    InvalidInputError
        If a label is none: 0 is the background, and ids end at 2^64 - 1.
    OutOfBoundsError
        If the box is not inside the volume.
    UnsupportedError
        If the volume is none that can be indexed (see `check_labels`).
    """
    check_labels(volume)
    if box is None:
        box = volume.box
    box.check_inside(volume.box, str(volume.url))
    return Question(volume, index_url, label_list(labels), box)


def ask_shards[T](question: Question, take: Callable[[Part], T]) -> Iterator[tuple[Cell, list[T]]]:
    """Yield, for shards in C order, the cell and what `take` makes of the parts in it, in C order.

    What a shard answers is true of one state that it had meanwhile, whatever the state of the
    index; different shards may be seen at different moments. Of a box of more than `FEW_SHARDS`
    shards those are asked that `chunks_of` names, and no others. A chunk is read only if it
    holds one of the labels, and if its rows do not say already which of its voxels do. At most
    `SHARDS_AT_ONCE` shards are in memory, as `take` made them.

    Raises
    ------
    CorruptDataError, StoreError
        If voxels that are needed do not decode, or the store fails.
    """
    cells = _cells(question)
    answers = _windowed(lambda cell: _ask_shard(question, cell, take), cells)
    yield from zip(cells, answers, strict=True)


def _cells(question: Question) -> list[Cell]:
    """Return the shards that may have a part, in C order."""
    volume, box = question.volume, question.box
    grid = box.aligned(volume.shard)
    if box.is_empty:
        return []
    if grid.size // math.prod(volume.shard) <= FEW_SHARDS:
        return list(box.cells(volume.shard))
    starts = chunks_of(volume, question.index_url, question.labels) * volume.chunk
    inside = ((starts >= grid.start) & (starts < grid.stop)).all(axis=1)
    cells = np.unique(starts[inside] // np.array(volume.shard), axis=0)
    return [tuple(cell) for cell in cells.tolist()]


def _ask_shard[T](question: Question, cell: Cell, take: Callable[[Part], T]) -> list[T]:
    volume = question.volume
    for _ in range(ATTEMPTS):
        etag = shard_etag(volume, cell)
        if etag is None:
            return []
        rows = trusted_rows(volume, question.index_url, cell, etag)
        tiles = _tiles(question, cell, rows)
        taken = [take(part) for part in _read(question, tiles) if part.mask.any()]
        known = all(mask is not None for _, mask in tiles)
        # Voxels that were read are those of the ETag only if it is still the same.
        if known or shard_etag(volume, cell) == etag:
            return taken
    voxels, _ = read_shard(volume, cell)
    shard = volume.shard_box(cell)
    whole = (
        Part(tile, _where(question, voxels[tile.within(shard).slices]))
        for tile, _ in _tiles(question, cell, None)
    )
    return [take(part) for part in whole if part.mask.any()]


def _tiles(question: Question, cell: Cell, rows: Rows | None) -> list[tuple[Box, Mask | None]]:
    """Return the chunks of a shard that may hold labels, and their mask if the rows tell it."""
    volume = question.volume
    box = question.box & volume.shard_box(cell)
    if rows is None:
        return [(tile, None) for tile in box.tiles(volume.chunk)]
    meets = ((rows.start < box.stop) & (rows.stop > box.start)).all(axis=1)
    kept = rows.where(meets & np.isin(rows.labels, np.array(question.labels, np.uint64)))
    chunks = np.unique(kept.chunks)
    starts = map(tuple, chunk_starts(volume, cell, chunks).tolist())
    tiles = (Box.of_shape(volume.chunk).shifted(start) & box for start in starts)
    return [
        (tile, _solid(kept.where(kept.chunks == chunk), tile))
        for chunk, tile in zip(chunks, tiles, strict=True)
    ]


def _solid(rows: Rows, tile: Box) -> Mask | None:
    """Return the mask of a chunk if each of its labels fills its box; None if it must be read."""
    if (rows.voxels != (rows.stop - rows.start).prod(axis=1).astype(np.uint64)).any():
        return None
    mask = np.zeros(tile.shape, np.bool_)
    for start, stop in zip(rows.start.tolist(), rows.stop.tolist(), strict=True):
        mask[(Box(tuple(start), tuple(stop)) & tile).within(tile).slices] = True
    return mask


def _read(question: Question, tiles: list[tuple[Box, Mask | None]]) -> Iterator[Part]:
    volume = question.volume
    chunk_bytes = math.prod(volume.chunk) * volume.dtype.itemsize
    for batch in batched(tiles, max(1, READ_BYTES // chunk_bytes)):
        # All reads are begun before the first is waited for.
        pending = [None if mask is not None else volume.read(tile) for tile, mask in batch]
        for (tile, mask), read in zip(batch, pending, strict=True):
            if mask is not None:
                yield Part(tile, mask)
            elif read is not None:
                yield Part(tile, _where(question, read.result()))


def _where(question: Question, voxels: npt.NDArray[Any]) -> Mask:
    largest = int(np.iinfo(voxels.dtype).max)
    labels = np.array([label for label in question.labels if label <= largest], voxels.dtype)
    if len(labels) == 1:
        return np.asarray(voxels == labels[0])
    return np.isin(voxels, labels)


def _windowed[T, R](ask: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """Yield the answers in order, asked in threads, a bounded number ahead of who takes them."""
    with ThreadPoolExecutor(SHARDS_AT_ONCE, "label-query") as pool:
        waiting: deque[Future[R]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(ask, item))
                if len(waiting) == SHARDS_AT_ONCE:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
