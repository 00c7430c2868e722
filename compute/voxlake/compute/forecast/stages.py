"""What each stage of a job takes: tasks, memory, voxels, CPU seconds, requests. Arithmetic only."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxlake.compute.forecast.requests import reading, reading_whole, total, writing
from voxlake.compute.index.by_label import fragment_count, publish_bytes, rows_bytes
from voxlake.compute.index.shards import scan_bytes
from voxlake.compute.passes.cut import Reading
from voxlake.compute.passes.plans import stage_name
from voxlake.documents.jobs.plan import PlannedStage, Requests
from voxlake.ngff.grid.box import grid_shape

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from voxlake.compute.forecast.estimate import Rates
    from voxlake.compute.forecast.requests import Shards
    from voxlake.compute.forecast.target import Target
    from voxlake.compute.passes.cut import Cut, LevelGrid, PlannedPass

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


def stages_of(sampled: Sampled) -> list[PlannedStage]:
    """Return the stages of a job, in the order in which they run."""
    stages = [
        _alone(sampled, planned) if planned.cut is None else _pass(sampled, planned, planned.cut)
        for planned in sampled.target.passes
    ]
    if sampled.target.indexed:
        stages += [_index(sampled), *_index_segments(sampled)]
    return stages


def scratch_bytes(target: Target) -> int:
    """Return the temporary files of one process, at most."""
    cuts = (planned.cut for planned in target.passes)
    return REGIONS_AT_ONCE * max((cut.scratch_bytes for cut in cuts if cut), default=0)


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


def _pass(sampled: Sampled, planned: PlannedPass, cut: Cut) -> PlannedStage:
    target, base = sampled.target, sampled.target.pyramid[planned.base]
    levels = range(planned.first, planned.last + 1)
    requests = [writing(sampled.shards[level]) for level in levels]
    if planned.first > planned.base:
        requests.append(reading(sampled.shards[planned.base], base, cut))
    return PlannedStage(
        name=stage_name(planned.first, planned.last),
        tasks=math.prod(grid_shape(base.shape, cut.region)),
        region=tuple(map(min, cut.region, base.shape)),
        reading=in_words(cut.reading, cut.reads),
        reads=cut.reads,
        memory_bytes=cut.memory_bytes,
        voxels=_voxels(target.pyramid, levels),
        core_seconds=_seconds(sampled, planned, cut.reads),
        requests=total(requests),
    )


def _alone(sampled: Sampled, planned: PlannedPass) -> PlannedStage:
    level = planned.last
    fine, coarse = sampled.target.pyramid[level - 1], sampled.target.pyramid[level]
    return PlannedStage(
        name=stage_name(level, level),
        tasks=math.prod(grid_shape(coarse.shape, coarse.shard)),
        region=tuple(map(min, coarse.shard, coarse.shape)),
        reading=in_words(None, 1.0),
        reads=1.0,
        # As `voxlake.compute.passes.downsample.downsample_bytes`.
        memory_bytes=(2 * math.prod(coarse.shard) + math.prod(fine.shard))
        * sampled.target.itemsize,
        voxels=math.prod(coarse.shape),
        core_seconds=_seconds(sampled, planned, 1.0),
        requests=total([writing(sampled.shards[level]), reading_whole(sampled.shards[level - 1])]),
    )


def _index(sampled: Sampled) -> PlannedStage:
    target, finest, shards = sampled.target, sampled.target.pyramid[0], sampled.shards[0]
    voxels = math.prod(finest.shape)
    seconds = voxels * target.itemsize * (sampled.rates.decode + sampled.rates.index)
    return PlannedStage(
        name="index",
        tasks=shards.count,
        region=tuple(map(min, finest.shard, finest.shape)),
        reading="shard by shard; each chunk is decoded once",
        reads=1.0,
        memory_bytes=_index_bytes(sampled),
        voxels=voxels,
        core_seconds=seconds,
        requests=Requests(put=shards.stored, get=shards.count, delete=shards.count - shards.stored),
    )


def _index_bytes(sampled: Sampled) -> int:
    finest, itemsize = sampled.target.pyramid[0], sampled.target.itemsize
    return scan_bytes(math.prod(finest.shard) * itemsize, math.prod(finest.chunk) * itemsize)


def _index_segments(sampled: Sampled) -> list[PlannedStage]:
    """Return the stages of `voxlake.compute.index.by_label.plan_index_segments`."""
    finest, shards = sampled.target.pyramid[0], sampled.shards[0]
    rows = rows_bytes(shards.count * math.prod(finest.shard) * sampled.target.itemsize)
    anew = max(rows, _index_bytes(sampled))
    # Sidecars are compared with their shards, and read.
    asked = Requests(get=shards.stored, head=shards.count)
    seconds = (
        SECONDS_PER_ROW * sampled.rates.rows * math.prod(finest.shape) * sampled.target.itemsize
    )
    fragments = fragment_count(shards.count)
    if fragments == 1:
        requests = total([asked, Requests(put=10, get=20)])
        return [_segments_stage("index-runs", 1, anew, seconds, requests)]
    each = Requests(put=4 * fragments, get=4 * fragments, head=fragments)
    published, publishing = publish_bytes(shards.count), Requests(put=3, get=2 * fragments)
    return [
        _segments_stage("index-fragments", fragments, anew, seconds * 0.7, total([asked, each])),
        _segments_stage("index-ranges", 1, rows, 0.0, Requests(put=1, get=fragments)),
        _segments_stage("index-runs", fragments, rows, seconds * 0.3, each),
        _segments_stage("index-publish", 1, published, 0.0, publishing),
    ]


def _segments_stage(
    name: str, tasks: int, memory: int, seconds: float, requests: Requests
) -> PlannedStage:
    return PlannedStage(
        name=name,
        tasks=tasks,
        region=(),
        reading="rows, no voxels",
        reads=1.0,
        memory_bytes=memory,
        voxels=0,
        core_seconds=seconds,
        requests=requests,
    )


def _seconds(sampled: Sampled, planned: PlannedPass, reads: float) -> float:
    target, rates = sampled.target, sampled.rates
    base = math.prod(target.pyramid[planned.base].shape)
    if planned.first == 0:
        read = base * target.block_itemsize * reads * rates.read
    else:
        read = base * target.itemsize * reads * rates.decode
    made = range(planned.first, planned.last + 1)
    reduced = _voxels(target.pyramid, (level - 1 for level in made if level))
    encoded = _voxels(target.pyramid, made) * target.itemsize
    stored = sum(sampled.shards[level].bytes for level in made)
    return read + reduced * rates.reduce + encoded * rates.encode + stored * rates.write


def _voxels(pyramid: Sequence[LevelGrid], levels: Iterable[int]) -> int:
    return sum(math.prod(pyramid[level].shape) for level in levels)
