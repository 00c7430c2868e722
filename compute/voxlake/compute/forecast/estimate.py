"""From a sample to the whole: bytes with their spread, and CPU seconds. Arithmetic only."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxlake.documents.jobs.plan import SampleDocument

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxlake.compute.forecast.sampling import LevelPiece, Piece, Sample
    from voxlake.documents.jobs.plan import PlannedLevel

SIGMAS = 1.96
"""Of the normal distribution: 95 of 100 lie within."""


@dataclass(frozen=True, slots=True)
class Coded:
    """What the payloads of a level are estimated to be."""

    bytes: float
    low: float
    """With `high`: in 95 of 100 such samples the truth lies between, if boxes are alike."""
    high: float
    empty: float
    """Share of chunks that hold nothing but fill."""


@dataclass(frozen=True, slots=True)
class Rates:
    """CPU seconds, of this machine."""

    read: float
    """For a byte that is decoded of the source."""
    reduce: float
    """For a voxel that is reduced."""
    encode: float
    """For a byte of voxels; as the next two."""
    decode: float
    index: float
    write: float
    """For a stored byte."""
    rows: float = 0.0
    """No seconds: rows of the label index for a byte of voxels."""


def coded_levels(sample: Sample, voxels: Sequence[int]) -> list[Coded]:
    """Estimate the payloads of each level, which has so many voxels.

    Levels that the sample says nothing of are taken to be like the one below.
    """
    levels: list[Coded] = []
    for level, total in enumerate(voxels):
        pieces = [piece.levels[level] for piece in sample.pieces if len(piece.levels) > level]
        if pieces:
            levels.append(_coded(pieces, total, whole=sample.whole))
        else:
            below, share = levels[-1], total / voxels[level - 1]
            levels.append(
                Coded(below.bytes * share, below.low * share, below.high * share, below.empty)
            )
    return levels


def ratios(sample: Sample, itemsize: int) -> list[float]:
    """Return the compression ratio of level 0 of each box, in ascending order; inf if empty."""
    return sorted(
        first.voxels * itemsize / first.stored_bytes if first.stored_bytes else math.inf
        for first in (piece.levels[0] for piece in sample.pieces)
    )


def rates(sample: Sample, itemsize: int) -> Rates:
    """Return what a byte or a voxel takes; the first box also loads what reading needs."""
    pieces = sample.pieces[1:] or sample.pieces
    levels = [level for piece in pieces for level in piece.levels]
    raw = sum(level.voxels for level in levels) * itemsize
    finest = sum(piece.levels[0].voxels for piece in pieces) * itemsize
    return Rates(
        read=sum(piece.read_s for piece in pieces) / sum(piece.decoded_bytes for piece in pieces),
        reduce=_reduce_rate(pieces),
        encode=sum(level.encode_s for level in levels) / raw,
        decode=sum(level.decode_s for level in levels) / raw,
        index=sum(piece.index_s for piece in pieces) / finest,
        write=sum(level.write_s for level in levels)
        / max(1, sum(level.stored_bytes for level in levels)),
        rows=sum(piece.index_rows for piece in pieces) / finest,
    )


def measured(sample: Sample, speed: Rates, finest: PlannedLevel) -> SampleDocument:
    """Return what was measured, of a volume whose level 0 is to be `finest`."""
    pieces = [piece.levels[0] for piece in sample.pieces]
    voxels = sum(piece.voxels for piece in pieces)
    stored = sum(piece.stored_bytes for piece in pieces)
    whole = math.prod(finest.shape)
    itemsize = finest.raw_bytes // whole
    of_boxes = ratios(sample, itemsize)
    tenth = len(of_boxes) // 10
    return SampleDocument(
        boxes=len(pieces),
        voxels=voxels,
        share=voxels / whole,
        whole=sample.whole,
        seconds=sample.seconds,
        ratio=voxels * itemsize / stored if stored else None,
        ratio_low=_finite(of_boxes[tenth]),
        ratio_high=_finite(of_boxes[-1 - tenth]),
        empty=finest.empty,
        read_mb_per_core_s=_mb(speed.read),
        reduce_mb_per_core_s=_mb(speed.reduce / itemsize),
        encode_mb_per_core_s=_mb(speed.encode),
        decode_mb_per_core_s=_mb(speed.decode),
        write_mb_per_core_s=_mb(speed.write),
    )


def mean_and_error(
    parts: Sequence[tuple[float, float]], *, whole: bool = False
) -> tuple[float, float]:
    """Return the ratio of the sums of (y, x), and its standard error.

    The classical ratio estimator (Cochran, Sampling Techniques, 6.4): none if `whole`, and as
    large as the ratio itself if there is but one part.

    Examples
    --------
    >>> mean_and_error([(1, 2), (3, 2)])
    (1.0, 0.5)
    """
    x, y = sum(x for _, x in parts), sum(y for y, _ in parts)
    ratio, n = y / x, len(parts)
    if whole:
        return ratio, 0.0
    if n == 1:
        return ratio, ratio
    spread = sum((y - ratio * x) ** 2 for y, x in parts) / (n - 1)
    return ratio, math.sqrt(spread / n) / (x / n)


def _coded(pieces: Sequence[LevelPiece], total: int, *, whole: bool) -> Coded:
    parts = [(float(piece.stored_bytes), float(piece.voxels)) for piece in pieces]
    ratio, error = mean_and_error(parts, whole=whole)
    empty = sum(piece.empty for piece in pieces) / sum(piece.chunks for piece in pieces)
    off = SIGMAS * error
    return Coded(ratio * total, max(0.0, ratio - off) * total, (ratio + off) * total, empty)


def _reduce_rate(pieces: Sequence[Piece]) -> float:
    seconds, voxels = 0.0, 0
    for piece in pieces:
        for below, level in zip(piece.levels, piece.levels[1:], strict=False):
            seconds, voxels = seconds + level.reduce_s, voxels + below.voxels
    return seconds / max(1, voxels)


def _finite(ratio: float) -> float | None:
    return ratio if math.isfinite(ratio) else None


def _mb(seconds_per_byte: float) -> float | None:
    return 1e-6 / seconds_per_byte if seconds_per_byte else None
