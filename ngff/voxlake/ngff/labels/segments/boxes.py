"""Boxes of a file of a segment: one record for each of its labels, found by reading one block.

``runs/<ulid>.boxes`` lies beside ``runs/<ulid>.parquet`` and says of each label of the file what
its rows add up to. Records of equal size, ascending by label, fill blocks of `BLOCK_BYTES`; the
last four bytes of a block are its CRC-32C, so every flipped bit is found. After the blocks comes
the first label of each, of which the manifest has the checksum. All numbers are little-endian.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from typing import TYPE_CHECKING

import google_crc32c
import numpy as np

from voxlake.ngff.grid.box import Box
from voxlake.ngff.labels.segments.manifest import REBUILD, Boxes
from voxlake.ngff.labels.table import LabelExtent, LabelTable
from voxlake.platform.errors import CorruptDataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from voxlake.ngff.labels.segments.manifest import SegmentFile
    from voxlake.platform.store import StoreURL

BLOCK_BYTES = 4096
"""What a look-up of one label reads; a page of memory."""

_CRC = 4
_LABEL = 8


def _layout(number: str) -> np.dtype[np.void]:
    box = [("start", number, 3), ("stop", number, 3)]
    return np.dtype(
        [("label", "<u8"), ("voxels", "<u8"), *box, ("chunks", number), ("shards", number)]
    )


_LAYOUTS = {dtype.itemsize: dtype for dtype in (_layout("<u4"), _layout("<u8"))}
"""By size of a record: boxes and counts below 2^32, as nearly always, and others."""
_NARROW, _WIDE = _LAYOUTS
_STRUCTS = {_NARROW: struct.Struct("<QQ8I"), _WIDE: struct.Struct("<QQ8Q")}


def boxes_url(index_url: StoreURL, ulid: str) -> StoreURL:
    """Return the address of the boxes of a file."""
    return index_url / "runs" / f"{ulid}.boxes"


def encode_boxes(table: LabelTable) -> tuple[Boxes, bytes]:
    """Return the object for labels, at least one, and what the manifest has to say of it."""
    largest = max(int(each.max()) for each in (table.stop, table.chunks, table.shards))
    layout = _LAYOUTS[_NARROW if largest < 1 << 32 else _WIDE]
    each = _records_of_block(layout.itemsize)
    blocks = -(-len(table) // each)
    records = np.zeros(blocks * each, layout)
    used = records[: len(table)]
    used["label"], used["voxels"] = table.labels, table.voxels
    used["start"], used["stop"] = table.start, table.stop
    used["chunks"], used["shards"] = table.chunks, table.shards
    body = np.zeros((blocks, BLOCK_BYTES), np.uint8)
    body[:, : each * layout.itemsize] = records.view(np.uint8).reshape(blocks, -1)
    checksums = [google_crc32c.value(block[:-_CRC].tobytes()) for block in body]
    body[:, -_CRC:] = np.array(checksums, "<u4").view(np.uint8).reshape(blocks, _CRC)
    first = table.labels[::each].astype("<u8").tobytes()
    boxes = Boxes(labels=len(table), record=layout.itemsize, crc32c=google_crc32c.value(first))
    return boxes, body.tobytes() + first


def index_range(file: SegmentFile) -> tuple[int, int]:
    """Return where in the object of a file the block index lies, [start, stop)."""
    blocks = _blocks(file.boxes)
    return blocks * BLOCK_BYTES, blocks * (BLOCK_BYTES + _LABEL)


def decode_index(file: SegmentFile, body: bytes) -> npt.NDArray[np.uint64]:
    """Return (blocks,) the smallest label of each block of a file, given the bytes of its index.

    Raises
    ------
    CorruptDataError
        If they are not those that were written.
    """
    if google_crc32c.value(body) != file.boxes.crc32c:
        raise _damaged(file)
    return np.frombuffer(body, "<u8")


def check_size(file: SegmentFile, size: int) -> None:
    """Raise CorruptDataError if the object of a file has not that many bytes."""
    if size != index_range(file)[1]:
        raise _damaged(file)


def check_count(file: SegmentFile, labels: int) -> None:
    """Raise CorruptDataError if the file has not that many labels."""
    if labels != file.boxes.labels:
        raise _damaged(file)


def check_blocks(file: SegmentFile, blocks: bytes, count: int) -> None:
    """Raise CorruptDataError if the bytes of blocks are not those that were written."""
    checksums = [
        google_crc32c.value(blocks[start : start + BLOCK_BYTES - _CRC])
        for start in range(0, len(blocks), BLOCK_BYTES)
    ]
    if len(blocks) != count * BLOCK_BYTES:
        raise _damaged(file)
    stored = np.frombuffer(blocks, "<u4")[BLOCK_BYTES // _CRC - 1 :: BLOCK_BYTES // _CRC]
    if stored.tolist() != checksums:
        raise _damaged(file)


def find_in_block(file: SegmentFile, number: int, block: bytes, label: int) -> LabelExtent | None:
    """Return what the checked block of that number has of a label; None if it has nothing."""
    size = file.boxes.record
    each = _records_of_block(size)
    count = min(each, file.boxes.labels - number * each)
    labels = memoryview(block)[: count * size].cast("Q")[:: size // _LABEL]
    place = bisect_left(labels, label)
    if place == count or labels[place] != label:
        return None
    _, voxels, *rest = _STRUCTS[size].unpack_from(block, place * size)
    z0, y0, x0, z1, y1, x1, chunks, shards = rest
    return LabelExtent(label, voxels, Box((z0, y0, x0), (z1, y1, x1)), chunks, shards)


def records_of_blocks(
    file: SegmentFile, numbers: Sequence[int], blocks: bytes
) -> npt.NDArray[np.void]:
    """Return all records of checked blocks of the given numbers, ascending, one after another."""
    size = file.boxes.record
    each = _records_of_block(size)
    body = np.frombuffer(blocks, np.uint8).reshape(-1, BLOCK_BYTES)[:, : each * size]
    records = np.ascontiguousarray(body).view(_LAYOUTS[size]).ravel()
    if numbers[-1] == _blocks(file.boxes) - 1:
        # The last block may be filled up.
        records = records[: file.boxes.labels - numbers[-1] * each + (len(numbers) - 1) * each]
    return records


def pick(records: npt.NDArray[np.void], labels: npt.NDArray[np.uint64]) -> npt.NDArray[np.void]:
    """Return those of the records, not none and ascending, that are of one of `labels`."""
    stored = np.ascontiguousarray(records["label"])
    place = np.minimum(np.searchsorted(stored, labels), len(stored) - 1)
    picked: npt.NDArray[np.void] = records[place[stored[place] == labels]]
    return picked


def table_of_records(records: npt.NDArray[np.void]) -> LabelTable:
    """Return records as a table."""
    counts = (records[name].astype(np.int64) for name in ("start", "stop", "chunks", "shards"))
    labels, voxels = (records[name].astype(np.uint64) for name in ("label", "voxels"))
    return LabelTable(labels, voxels, *counts)


def _records_of_block(size: int) -> int:
    return (BLOCK_BYTES - _CRC) // size


def _blocks(boxes: Boxes) -> int:
    return -(-boxes.labels // _records_of_block(boxes.record))


def _damaged(file: SegmentFile) -> CorruptDataError:
    what = f"the boxes runs/{file.ulid}.boxes of the label index"
    return CorruptDataError(f"{what} are damaged; {REBUILD}")
