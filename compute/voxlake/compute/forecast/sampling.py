"""Sample a source: read a few boxes, make their levels, code them; measure bytes and CPU seconds.

Nothing is stored but in a temporary file that is gone at once.
"""

from __future__ import annotations

import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.compute.forecast.places import decoded_voxels, sample_boxes
from voxlake.compute.passes.reduce import downsample
from voxlake.ngff.labels.scan.rows import scan_chunks
from voxlake.ngff.shards.chunk_codec import decode_chunks, encode_chunks

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from voxlake.compute.forecast.target import Target
    from voxlake.ngff.grid.box import Box
    from voxlake.ngff.shards.format import ShardFormat

LEAST_VOXELS = 4096
"""Levels of a box are made down to so many voxels; smaller ones say little of a level."""


@dataclass(frozen=True, slots=True)
class LevelPiece:
    """One level of a sampled box; times are CPU seconds."""

    voxels: int
    chunks: int
    empty: int
    """Chunks of nothing but fill, which are not stored."""
    stored_bytes: int
    reduce_s: float
    """To make it from the level below; 0 of level 0."""
    encode_s: float
    decode_s: float
    write_s: float


@dataclass(frozen=True, slots=True)
class Piece:
    """One sampled box."""

    decoded_bytes: int
    """Of all blocks that were touched."""
    read_s: float
    """CPU seconds."""
    read_wall_s: float
    index_s: float
    """CPU seconds of looking for labels; 0 if there is to be no label index."""
    levels: tuple[LevelPiece, ...]
    index_rows: int = 0
    """Rows that the label index has of it."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What was sampled."""

    pieces: tuple[Piece, ...]
    whole: bool
    """Whether that is every voxel there is."""
    seconds: float


def take_sample(target: Target, most_bytes: int = 512 << 20, seconds: float = 20.0) -> Sample:
    """Sample level 0 of `target`.

    Parameters
    ----------
    most_bytes
        Voxels to decode, about, in bytes; at least one box is.
    seconds
        No box is begun after that.

    Raises
    ------
    SourceError, CorruptDataError, StoreError
        If voxels of a box cannot be read.
    """
    finest = target.pyramid[0]
    most = most_bytes // target.itemsize
    row = min(target.strip[-1], finest.shape[-1])
    boxes, whole = sample_boxes(finest.shape, finest.chunk, target.block, row, most)
    _warm_up(target)
    began = time.monotonic()
    pieces: list[Piece] = []
    for box in boxes:
        if pieces and time.monotonic() - began > seconds:
            break
        pieces.append(_piece(target, box))
    complete = whole and len(pieces) == len(boxes)
    return Sample(tuple(pieces), complete, time.monotonic() - began)


class _Timer:
    """CPU seconds of this process, since sources may use threads of their libraries."""

    seconds = 0.0
    wall = 0.0


@contextmanager
def _timed() -> Iterator[_Timer]:
    timer, cpu, wall = _Timer(), time.process_time(), time.monotonic()
    yield timer
    timer.seconds, timer.wall = time.process_time() - cpu, time.monotonic() - wall


def _warm_up(target: Target) -> None:
    """Load what is compiled, so that no box is timed with it; reads nothing."""
    voxels = np.ones(target.pyramid[0].chunk, target.codings[0].dtype)
    for _ in _levels(target, voxels, whole=False):
        pass
    if target.indexed:
        _scan(target, voxels)


def _piece(target: Target, box: Box) -> Piece:
    voxels = np.empty(box.shape, target.codings[0].dtype)
    parts = list(box.tiles(target.strip))
    with _timed() as reading:
        for part in parts:
            target.read(part, voxels[part.within(box).slices])
    index_s, index_rows = _scan(target, voxels) if target.indexed else (0.0, 0)
    return Piece(
        sum(decoded_voxels(part, target.pyramid[0].shape, target.block) for part in parts)
        * target.block_itemsize,
        reading.seconds,
        reading.wall,
        index_s,
        tuple(_levels(target, voxels, whole=box.shape == target.pyramid[0].shape)),
        index_rows,
    )


def _levels(target: Target, voxels: npt.NDArray[Any], *, whole: bool) -> Iterator[LevelPiece]:
    yield _coded(target.codings[0], voxels, 0.0)
    for level, coding in zip(target.pyramid[1:], target.codings[1:], strict=True):
        with _timed() as reducing:
            voxels = downsample(voxels, level.step, target.reduction)
        if voxels.size < LEAST_VOXELS and not whole:
            return
        yield _coded(coding, voxels, reducing.seconds)


def _coded(coding: ShardFormat, voxels: npt.NDArray[Any], reduce_s: float) -> LevelPiece:
    with _timed() as encoding:
        payloads = encode_chunks(coding, voxels)
    stored = [payload for payload in payloads if payload is not None]
    with _timed() as writing, tempfile.TemporaryFile(prefix="voxlake-") as file:
        file.writelines(stored)
        file.flush()
    with _timed() as decoding:
        decode_chunks(coding, payloads, np.empty_like(voxels), "the sample")
    return LevelPiece(
        voxels.size,
        len(payloads),
        len(payloads) - len(stored),
        sum(map(len, stored)),
        reduce_s,
        encoding.seconds,
        decoding.seconds,
        writing.seconds,
    )


def _scan(target: Target, voxels: npt.NDArray[Any]) -> tuple[float, int]:
    """Look for labels; return the CPU seconds, and how many rows were found."""
    with _timed() as scanning:
        rows, _ = scan_chunks(voxels, target.pyramid[0].chunk)
    return scanning.seconds, len(rows)
