"""Parts of the document of a plan, from the forecast of a job."""

from __future__ import annotations

import math
import shutil
import tempfile
from dataclasses import asdict
from typing import TYPE_CHECKING

from voxlake.compute.forecast import cost_of, read_prices
from voxlake.documents.plan import CostDocument, MemoryDocument, SampleDocument

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from voxlake.compute.forecast import Forecast, Sample, Target

SLOW = 2.0
"""A source that makes its reader wait for so many times the CPU seconds that it takes is slow."""


def sample_document(sample: Sample, expected: Forecast, itemsize: int) -> SampleDocument:
    """Return what was measured, of voxels of `itemsize` bytes."""
    finest = [piece.levels[0] for piece in sample.pieces]
    voxels = sum(level.voxels for level in finest)
    stored = sum(level.stored_bytes for level in finest)
    rates, ratios = expected.rates, expected.ratios
    return SampleDocument(
        boxes=len(finest),
        voxels=voxels,
        share=voxels / math.prod(expected.levels[0].shape),
        whole=sample.whole,
        seconds=sample.seconds,
        ratio=voxels * itemsize / stored if stored else None,
        ratio_low=_finite(ratios[len(ratios) // 10]),
        ratio_high=_finite(ratios[-1 - len(ratios) // 10]),
        empty=expected.levels[0].empty,
        read_mb_per_core_s=_mb(rates.read),
        reduce_mb_per_core_s=_mb(rates.reduce / itemsize),
        encode_mb_per_core_s=_mb(rates.encode),
        decode_mb_per_core_s=_mb(rates.decode),
        write_mb_per_core_s=_mb(rates.write),
    )


def memory_document(expected: Forecast, limit_bytes: int) -> MemoryDocument:
    """Return what a task takes of memory, of `limit_bytes`, and of temporary files."""
    most = max((stage.memory_bytes for stage in expected.stages), default=0)
    return MemoryDocument(
        task_bytes=most,
        limit_bytes=limit_bytes,
        fits=most <= limit_bytes,
        scratch_bytes=max((stage.scratch_bytes for stage in expected.stages), default=0),
        scratch_free_bytes=shutil.disk_usage(tempfile.gettempdir()).free,
    )


def cost_document(expected: Forecast, path: Path | None) -> CostDocument:
    """Return what a job costs by the price table at `path`, or by the one in force."""
    prices, where, _ = read_prices(path)
    cost = cost_of(prices, expected.core_seconds, expected.requests, expected.stored_bytes)
    return CostDocument(
        **asdict(cost),
        once=cost.once,
        currency=prices.currency,
        prices=f"{where} ({prices.source})" if prices.source else where,
        as_of=prices.as_of,
    )


def notes_on(target: Target, sample: Sample) -> Iterator[str]:
    """Yield what to know of a plan besides its figures."""
    pieces = sample.pieces
    if not sample.whole and all(p.levels[0].empty == p.levels[0].chunks for p in pieces):
        yield "the sample holds nothing but fill; what is stored is not known"
    if len(pieces) == 1 and not sample.whole:
        yield "one box was sampled; give --seconds more, or take the figures for a guess"
    waited = sum(piece.read_wall_s for piece in pieces)
    worked = sum(piece.read_s for piece in pieces)
    if waited > 1 and waited > SLOW * worked:
        yield (
            f"the source made the sample wait: {waited:.1f} s for {worked:.1f} CPU seconds; hours "
            "count the latter, so that the source or its network may bound the job"
        )
    if target.indexed:
        yield "the label index has sidecars of its own, whose bytes are not counted"
    if target.first == 1:
        yield "levels that are there are replaced, shard by shard"


def _finite(ratio: float) -> float | None:
    return ratio if math.isfinite(ratio) else None


def _mb(seconds_per_byte: float) -> float | None:
    return 1e-6 / seconds_per_byte if seconds_per_byte else None
