"""Reading boxes: one range for one label, once the block index of its file is known.

Files never change under their names, so block indexes and blocks that were read are kept.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import count, pairwise
from typing import TYPE_CHECKING

import numpy as np

from voxlake.ngff.labels.segments.boxes import (
    BLOCK_BYTES,
    boxes_url,
    check_blocks,
    check_count,
    check_size,
    decode_index,
    find_in_block,
    index_range,
    pick,
    records_of_blocks,
    table_of_records,
)
from voxlake.ngff.labels.table import EMPTY, merge_tables
from voxlake.ngff.memory.cache import Cached
from voxlake.platform import store

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from voxlake.ngff.labels.segments.manifest import SegmentFile
    from voxlake.ngff.labels.table import LabelExtent, LabelTable
    from voxlake.platform.store import StoreURL

READ_BLOCKS = 4096
"""Blocks in memory at a time: 16 MiB, some 350,000 labels."""
FEW_BLOCKS = 16
"""Blocks that are read first of labels that are asked for in pages, some 1400 labels."""

_file_boxes = Cached["FileBoxes"]("block indexes of label boxes")
_blocks = Cached[bytes]("blocks of label boxes")
_tokens = count()


class FileBoxes:
    """The boxes of one file, of which the block index is kept once it was read."""

    def __init__(self, index_url: StoreURL, file: SegmentFile) -> None:
        self.file = file
        self._url = boxes_url(index_url, file.ulid)
        self._first: npt.NDArray[np.uint64] | None = None
        # A short name for the keys of blocks: addresses take long to be hashed.
        self._token = next(_tokens)

    def extent(self, label: int) -> LabelExtent | None:
        """Return what the rows of the file say of one label; None if it has none."""
        first = self._first_labels() if self._first is None else self._first
        # Of the array's memory: NumPy takes longer to be called than this to answer.
        number = bisect_right(first.data, label) - 1
        if number < 0:
            return None
        block = _blocks.get((self._token, number), lambda: self._read_block(number), len)
        return find_in_block(self.file, number, block, label)

    def table(self, labels: npt.NDArray[np.uint64]) -> LabelTable:
        """Return what the rows of the file say of the given labels, ascending and each once."""
        first = int(np.searchsorted(labels, np.uint64(self.file.first), "left"))
        wanted = labels[first : int(np.searchsorted(labels, np.uint64(self.file.last), "right"))]
        if not len(wanted):
            return EMPTY
        number = np.searchsorted(self._first_labels(), wanted, "right").astype(np.int64) - 1
        needed = number[np.diff(number, prepend=-1) > 0]
        records = self._records(needed)
        return merge_tables(table_of_records(pick(some, wanted)) for some in records)

    def tables(self) -> Iterator[LabelTable]:
        """Yield what the rows of the file say of all its labels, in pieces of bounded size."""
        return map(table_of_records, self._records(np.arange(len(self._first_labels()))))

    def tables_above(self, label: int) -> Iterator[LabelTable]:
        """Yield the same of the labels above one, ascending, a few blocks at a time, then more."""
        if label >= self.file.last:
            return
        blocks = len(self._first_labels())
        start = max(int(np.searchsorted(self._first_labels(), np.uint64(label), "right")) - 1, 0)
        step = FEW_BLOCKS
        while start < blocks:
            stop = min(start + step, blocks)
            table = merge_tables(map(table_of_records, self._records(np.arange(start, stop))))
            yield table.where(table.labels > np.uint64(label))
            start, step = stop, min(2 * step, READ_BLOCKS)

    def _first_labels(self) -> npt.NDArray[np.uint64]:
        """Return (blocks,) the smallest label of each block."""
        if self._first is None:
            body = store.read_range(self._url, *index_range(self.file))
            self._first = decode_index(self.file, body)
        return self._first

    def _read_block(self, number: int) -> bytes:
        start = number * BLOCK_BYTES
        block = store.read_range(self._url, start, start + BLOCK_BYTES)
        check_blocks(self.file, block, 1)
        return block

    def _records(self, numbers: npt.NDArray[np.int64]) -> Iterator[npt.NDArray[np.void]]:
        """Yield the records of the blocks of given numbers, ascending; neighbours read as one."""
        for first in range(0, len(numbers), READ_BLOCKS):
            some = numbers[first : first + READ_BLOCKS]
            body = b"".join(store.read_ranges(self._url, _spans(some)))
            check_blocks(self.file, body, len(some))
            yield records_of_blocks(self.file, some.tolist(), body)


def file_boxes(index_url: StoreURL, file: SegmentFile) -> FileBoxes:
    """Return the boxes of a file, which are read when they are asked."""
    start, stop = index_range(file)
    key = (index_url, file.ulid, file.boxes.crc32c)
    return _file_boxes.get(key, lambda: FileBoxes(index_url, file), lambda _: 1000 + stop - start)


def check_boxes(index_url: StoreURL, file: SegmentFile) -> None:
    """Read the boxes of a file as they are stored, whatever is kept of them.

    Raises
    ------
    CorruptDataError
        If they are damaged, or of other labels than the manifest says.
    """
    check_size(file, store.head(boxes_url(index_url, file.ulid)).size)
    labels = sum(len(table) for table in FileBoxes(index_url, file).tables())
    check_count(file, labels)


def _spans(numbers: npt.NDArray[np.int64]) -> list[tuple[int, int]]:
    """Return the ranges of bytes of blocks, ascending, one for those that follow one another."""
    cuts = [0, *(np.flatnonzero(np.diff(numbers) > 1) + 1).tolist(), len(numbers)]
    return [
        (int(numbers[a]) * BLOCK_BYTES, int(numbers[b - 1] + 1) * BLOCK_BYTES)
        for a, b in pairwise(cuts)
    ]
