"""What each stage of a job takes: tasks, memory, voxels, CPU seconds, requests. Arithmetic only."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxlake.compute.forecast.requests import Requests, reading, reading_whole, total, writing
from voxlake.compute.index.by_label import fragment_count, publish_bytes, rows_bytes
from voxlake.compute.index.shards import scan_bytes
from voxlake.compute.passes.cut import Reading
from voxlake.compute.passes.plans import stage_name
from voxlake.compute.plan import write_grid

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from voxlake.compute.forecast.estimate import Rates
    from voxlake.compute.forecast.requests import Shards
    from voxlake.compute.forecast.target import Target
    from voxlake.compute.passes.cut import Cut, Rung, Stretch

REGIONS_AT_ONCE = 2
"""Tasks of a process that hold memory or scratch space (see `voxlake.compute.passes.region`)."""


SECONDS_PER_ROW = 2e-6
"""CPU seconds for a row of a sidecar on its way into a segment; measured, as all of it is NumPy."""


@dataclass(frozen=True, slots=True)
class Sampled:
    """What a sample has shown of a target."""

    target: Target
    shards: tuple[Shards, ...]
    """Of each level."""
    rates: Rates


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a job."""

    name: str
    tasks: int
    region: tuple[int, ...]
    """Voxels that a task handles: of the level that is read or, shard by shard, of that made."""
    reading: str
    """How a task gets at its voxels, in words."""
    reads: float
    """How often each block of the source is decoded, on average."""
    memory_bytes: int
    """Projected peak of a task."""
    scratch_bytes: int
    """Temporary files of one process."""
    voxels: int
    """That are written or, by the index, read."""
    core_seconds: float
    requests: Requests


def stages_of(sampled: Sampled) -> list[Stage]:
    """Return the stages of a job, in the order in which they run."""
    stages = [
        _alone(sampled, stretch.last)
        if stretch.cut is None
        else _pass(sampled, stretch, stretch.cut)
        for stretch in sampled.target.stretches
    ]
    if sampled.target.indexed:
        stages += [_index(sampled), *_index_segments(sampled)]
    return stages


def in_words(reading: Reading | None, reads: float) -> str:
    """Say how a source or a level is read.

    Examples
    --------
    >>> in_words(Reading.DIRECT, 1.0)
    'direct, strip by strip; each block is decoded once'
    """
    often = "each block is decoded once"
    if reads > 1.005:
        often = f"each block is decoded {reads:.2f} times on average"
    return f"{_WAYS[reading]}; {often}"


_WAYS = {
    Reading.DIRECT: "direct, strip by strip",
    Reading.LAYERED: "layered: whole layers along z in memory, since blocks are wider than strips",
    Reading.STAGED: "staged: whole layers along z in a temporary file, since they exceed memory",
    None: "shard by shard",
}


def _pass(sampled: Sampled, stretch: Stretch, cut: Cut) -> Stage:
    target, base = sampled.target, sampled.target.ladder[stretch.base]
    levels = range(stretch.first, stretch.last + 1)
    requests = [writing(sampled.shards[level]) for level in levels]
    if stretch.first > stretch.base:
        requests.append(reading(sampled.shards[stretch.base], base, cut))
    return Stage(
        stage_name(stretch.first, stretch.last),
        math.prod(write_grid(base.shape, cut.region)),
        tuple(map(min, cut.region, base.shape)),
        in_words(cut.reading, cut.reads),
        cut.reads,
        cut.memory_bytes,
        REGIONS_AT_ONCE * cut.scratch_bytes,
        sum(math.prod(target.ladder[level].shape) for level in levels),
        _seconds(sampled, stretch, cut.reads),
        total(requests),
    )


def _alone(sampled: Sampled, level: int) -> Stage:
    fine, coarse = sampled.target.ladder[level - 1], sampled.target.ladder[level]
    stretch = next(s for s in sampled.target.stretches if s.last == level)
    return Stage(
        stage_name(level, level),
        math.prod(write_grid(coarse.shape, coarse.shard)),
        tuple(map(min, coarse.shard, coarse.shape)),
        in_words(None, 1.0),
        1.0,
        # As `voxlake.compute.passes.downsample.downsample_bytes`.
        (2 * math.prod(coarse.shard) + math.prod(fine.shard)) * sampled.target.itemsize,
        0,
        math.prod(coarse.shape),
        _seconds(sampled, stretch, 1.0),
        writing(sampled.shards[level]) + reading_whole(sampled.shards[level - 1]),
    )


def _index(sampled: Sampled) -> Stage:
    target, finest, shards = sampled.target, sampled.target.ladder[0], sampled.shards[0]
    voxels = math.prod(finest.shape)
    seconds = voxels * target.itemsize * (sampled.rates.decode + sampled.rates.index)
    return Stage(
        "index",
        shards.count,
        tuple(map(min, finest.shard, finest.shape)),
        "shard by shard; each chunk is decoded once",
        1.0,
        _index_bytes(sampled),
        0,
        voxels,
        seconds,
        Requests(
            put=shards.stored,
            get=shards.count,
            head=0,
            delete=shards.count - shards.stored,
        ),
    )


def _index_bytes(sampled: Sampled) -> int:
    finest, itemsize = sampled.target.ladder[0], sampled.target.itemsize
    return scan_bytes(math.prod(finest.shard) * itemsize, math.prod(finest.chunk) * itemsize)


def _index_segments(sampled: Sampled) -> list[Stage]:
    """Return the stages of `voxlake.compute.index.by_label.plan_index_segments`."""
    finest, shards = sampled.target.ladder[0], sampled.shards[0]
    rows = rows_bytes(shards.count * math.prod(finest.shard) * sampled.target.itemsize)
    anew = max(rows, _index_bytes(sampled))
    # Sidecars are compared with their shards, and read.
    asked = Requests(get=shards.stored, head=shards.count)
    seconds = (
        SECONDS_PER_ROW * sampled.rates.rows * math.prod(finest.shape) * sampled.target.itemsize
    )
    fragments = fragment_count(shards.count)
    if fragments == 1:
        return [_segments_stage("index-runs", 1, anew, seconds, asked + Requests(put=10, get=20))]
    each = Requests(put=4 * fragments, get=4 * fragments, head=fragments)
    return [
        _segments_stage("index-fragments", fragments, anew, seconds * 0.7, asked + each),
        _segments_stage("index-ranges", 1, rows, 0.0, Requests(put=1, get=fragments)),
        _segments_stage("index-runs", fragments, rows, seconds * 0.3, each),
        _segments_stage(
            "index-publish",
            1,
            publish_bytes(shards.count),
            0.0,
            Requests(put=3, get=2 * fragments),
        ),
    ]


def _segments_stage(
    name: str, tasks: int, memory: int, seconds: float, requests: Requests
) -> Stage:
    return Stage(name, tasks, (), "rows, no voxels", 1.0, memory, 0, 0, seconds, requests)


def _seconds(sampled: Sampled, stretch: Stretch, reads: float) -> float:
    target, rates = sampled.target, sampled.rates
    base = math.prod(target.ladder[stretch.base].shape)
    if stretch.first == 0:
        read = base * target.block_itemsize * reads * rates.read
    else:
        read = base * target.itemsize * reads * rates.decode
    made = range(stretch.first, stretch.last + 1)
    reduced = _voxels(target.ladder, (level - 1 for level in made if level))
    encoded = _voxels(target.ladder, made) * target.itemsize
    stored = sum(sampled.shards[level].bytes for level in made)
    return read + reduced * rates.reduce + encoded * rates.encode + stored * rates.write


def _voxels(ladder: Sequence[Rung], levels: Iterable[int]) -> int:
    return sum(math.prod(ladder[level].shape) for level in levels)
