"""Reading boxes: one range for one label, once the block index of its part is known.

Parts never change under their names, so block indexes and blocks that were read are kept, within
a bound.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from voxlake.ngff.label_index.boxes import (
    BLOCK_BYTES,
    BlockIndex,
    boxes_url,
    check_block,
    decode_blocks,
    decode_index,
    find_in_block,
    index_range,
)
from voxlake.ngff.label_index.recent import Recent
from voxlake.ngff.label_index.table import EMPTY, merge_tables
from voxlake.platform import store

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from voxlake.ngff.label_index.manifest import Part
    from voxlake.ngff.label_index.table import LabelExtent, LabelTable
    from voxlake.platform.store import StoreURL

READ_BLOCKS = 4096
"""Blocks in memory at a time: 16 MiB, some 350,000 labels."""

_indexes = Recent[BlockIndex](64 << 20)
_blocks = Recent[bytes](64 << 20)


def read_extent(index_url: StoreURL, part: Part, label: int) -> LabelExtent | None:
    """Return what the rows of a part say of one label between its ends; None if it has none."""
    number = _index(index_url, part).block_of(label)
    if number < 0:
        return None

    def read() -> bytes:
        start = number * BLOCK_BYTES
        block = store.read_range(boxes_url(index_url, part.ulid), start, start + BLOCK_BYTES)
        check_block(part, block)
        return block

    block = _blocks.get((index_url, part.ulid, number), read, len)
    return find_in_block(part, number, block, label)


def read_table(index_url: StoreURL, part: Part, labels: npt.NDArray[np.uint64]) -> LabelTable:
    """Return what the rows of a part say of the given labels, ascending and each once."""
    first = int(np.searchsorted(labels, np.uint64(part.first), "left"))
    wanted = labels[first : int(np.searchsorted(labels, np.uint64(part.last), "right"))]
    if not len(wanted):
        return EMPTY
    number = np.searchsorted(_index(index_url, part).first, wanted, "right").astype(np.int64) - 1
    needed = np.unique(number[number >= 0])
    tables = (table.of_labels(wanted) for table in _tables(index_url, part, needed))
    return merge_tables(tables)


def read_tables(index_url: StoreURL, part: Part) -> Iterator[LabelTable]:
    """Yield what the rows of a part say of all its labels, in pieces of bounded size."""
    return _tables(index_url, part, np.arange(len(_index(index_url, part).first)))


def _index(index_url: StoreURL, part: Part) -> BlockIndex:
    def read() -> BlockIndex:
        url = boxes_url(index_url, part.ulid)
        return decode_index(part, store.read_range(url, *index_range(part)))

    return _indexes.get((index_url, part.ulid), read, lambda one: one.first.nbytes)


def _tables(
    index_url: StoreURL, part: Part, numbers: npt.NDArray[np.int64]
) -> Iterator[LabelTable]:
    """Yield the records of the blocks of given numbers, ascending; neighbours are read as one."""
    url = boxes_url(index_url, part.ulid)
    for first in range(0, len(numbers), READ_BLOCKS):
        some = numbers[first : first + READ_BLOCKS]
        cuts = [0, *(np.flatnonzero(np.diff(some) > 1) + 1).tolist(), len(some)]
        spans = [
            (int(some[a]) * BLOCK_BYTES, int(some[b - 1] + 1) * BLOCK_BYTES)
            for a, b in pairwise(cuts)
        ]
        body = b"".join(store.read_ranges(url, spans))
        for start in range(0, len(some) * BLOCK_BYTES, BLOCK_BYTES):
            check_block(part, body[start : start + BLOCK_BYTES])
        yield decode_blocks(part, some.tolist(), body)
