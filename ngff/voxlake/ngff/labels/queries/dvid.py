"""Sparse volumes in DVID's encodings: ``rles``, ``srles`` and ``blocks``.

Byte layouts as in DVID 3400c2cb, ``datatype/labelmap/labelmap.go`` (``GET .../sparsevol``), as its
``writeLegacyRLE`` and ``WriteBinaryBlocks`` write them and its ``BinaryBlock.Read`` reads them.
All numbers are little-endian. This module is where z, y, x becomes DVID's x, y, z.
"""

from __future__ import annotations

import struct
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from voxlake.ngff.grid.box import cell_box
from voxlake.ngff.labels.queries.voxels import ask_shards, question_of
from voxlake.platform.errors import LimitExceededError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy.typing as npt

    from voxlake.ngff.grid.box import Box
    from voxlake.ngff.labels.label_id import OneLabel
    from voxlake.ngff.labels.queries.sparse_volume import Runs
    from voxlake.ngff.labels.queries.voxels import ChunkMask
    from voxlake.ngff.labels.state import IndexState

SUB_BLOCK = 8
"""Voxels of a sub-block of ``blocks`` along each axis."""

MAX_SPANS = (1 << 32) - 1
"""Runs that the header of ``rles`` can count."""

_BACKGROUND, _FOREGROUND, _BOTH = 0, 1, 2


def encode_srles(runs: Iterable[Runs]) -> Iterator[bytes]:
    """Yield ``srles``: int32 x, y, z of the first voxel and int32 length, run after run.

    Raises
    ------
    UnsupportedError
        If a coordinate does not fit int32.

    Examples
    --------
    >>> from voxlake.ngff.labels.queries.sparse_volume import Runs
    >>> runs = Runs(np.array([[3, 2, 1]]), np.array([9]))
    >>> np.frombuffer(b"".join(encode_srles([runs])), "<i4")
    array([1, 2, 3, 9], dtype=int32)
    """
    for part in runs:
        spans = np.column_stack((part.start[:, ::-1], part.length))
        yield _int32(spans).tobytes()


def encode_rles(runs: Iterable[Runs]) -> Iterator[bytes]:
    """Yield ``rles``: the header of 12 bytes, then what `encode_srles` yields.

    The header: byte 0 (no payload), uint8 3 (dimensions), uint8 0 (runs go along x), byte 0, uint32
    0 (DVID leaves the voxels uncounted), uint32 number of runs. Because of the latter all runs are
    encoded before the first byte is yielded. Runs of chunks (`coarse_volume`) give DVID's
    ``sparsevol-coarse``.

    Raises
    ------
    UnsupportedError
        If a coordinate does not fit int32.
    LimitExceededError
        If there are more runs than `MAX_SPANS`.
    """
    encoded = list(encode_srles(runs))
    spans = sum(map(len, encoded)) // 16
    if spans > MAX_SPANS:
        raise LimitExceededError(
            f"rles counts at most {MAX_SPANS} runs and there are {spans}; ask for srles"
        )
    yield struct.pack("<BBBBII", 0, 3, 0, 0, 0, spans)
    yield from encoded


def encode_blocks(state: IndexState, one: OneLabel, box: Box | None = None) -> Iterator[bytes]:
    """Yield ``blocks``: a header of 20 bytes, then the bits of every chunk that holds a label.

    The header: uint32 gx, gy, gz (sub-blocks of 8^3 voxels along each axis of a block, which is a
    chunk), uint64 label. A block: int32 x, y, z of its first voxel, and a byte: 1, all of it is the
    label; 2, some of it, and gz * gy * gx sub-blocks follow, x fastest. A sub-block: a byte 0
    (nothing), 1 (all) or 2 (some), and if some 64 bytes, a bit a voxel, x fastest, lowest bit
    first. What is beyond `box` or the volume is no foreground. Blocks come shard by shard, in C
    order within each. Memory holds a few encoded shards.

    Raises
    ------
    OutOfBoundsError, UnsupportedError
        At once, if the box is not inside the volume, or the edges of a chunk are no multiples of 8.
    CorruptDataError, StoreError
        While it is taken, if voxels do not decode, or the store fails.
    """
    chunk = state.volume.chunk
    if any(edge % SUB_BLOCK for edge in chunk):
        raise UnsupportedError(
            f"blocks are made of sub-blocks of {SUB_BLOCK}^3 voxels and the chunks of "
            f"{state.volume.url} are {chunk}; ask for srles"
        )
    z, y, x = (edge // SUB_BLOCK for edge in chunk)
    blocks = ask_shards(question_of(state, one, box), partial(_block, chunk))
    return _after(struct.pack("<IIIQ", x, y, z, one.label), blocks)


def _after(header: bytes, shards: Iterator[tuple[tuple[int, ...], list[bytes]]]) -> Iterator[bytes]:
    yield header
    for _, blocks in shards:
        if blocks:
            yield b"".join(blocks)


def _block(chunk: tuple[int, ...], part: ChunkMask) -> bytes:
    """Return one chunk, of shape `chunk` and clipped to `part`, as a block."""
    cell = tuple(first // edge for first, edge in zip(part.box.start, chunk, strict=True))
    whole = cell_box(cell, chunk)
    offset = _int32(np.array(whole.start[::-1], np.int64)).tobytes()
    if part.mask.size == np.prod(chunk) and part.mask.all():
        return offset + bytes([_FOREGROUND])
    block = np.zeros(chunk, np.bool_)
    block[part.box.within(whole).slices] = part.mask
    return offset + bytes([_BOTH]) + _sub_blocks(block)


def _sub_blocks(block: npt.NDArray[np.bool_]) -> bytes:
    z, y, x = (edge // SUB_BLOCK for edge in block.shape)
    cut = block.reshape(z, SUB_BLOCK, y, SUB_BLOCK, x, SUB_BLOCK).transpose(0, 2, 4, 1, 3, 5)
    voxels = cut.reshape(z * y * x, SUB_BLOCK**3)
    found = voxels.sum(axis=1)
    flags = np.select([found == 0, found == SUB_BLOCK**3], [_BACKGROUND, _FOREGROUND], _BOTH)
    bits = np.packbits(voxels, axis=1, bitorder="little")
    rows = np.column_stack((flags.astype(np.uint8), bits))
    kept = np.ones(rows.shape, np.bool_)
    kept[flags != _BOTH, 1:] = False
    return rows[kept].tobytes()


def _int32(values: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    largest = np.iinfo(np.int32).max
    if values.size and values.max() > largest:
        raise UnsupportedError(
            f"DVID's encodings have coordinates up to {largest} and {values.max()} was found; "
            "ask for a box below it, or for Arrow"
        )
    return values.astype("<i4")
