"""A forecast: what a job will store, take and cost, before it runs."""

from __future__ import annotations

import math
import shutil
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxlake.compute.forecast.costs import cost_of
from voxlake.compute.forecast.estimate import Coded, coded_levels, measured, rates
from voxlake.compute.forecast.requests import Shards, metadata, total
from voxlake.compute.forecast.stages import Sampled, scratch_bytes, stages_of
from voxlake.documents.jobs.plan import (
    MemoryDocument,
    PlanDocument,
    PlannedLevel,
    PlannedStage,
    StoredEstimate,
    TimeDocument,
)
from voxlake.ngff.grid.box import grid_shape

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from voxlake.compute.forecast.costs import Prices
    from voxlake.compute.forecast.sampling import Sample
    from voxlake.compute.forecast.target import Target

SLOW = 2.0
"""A source that makes its reader wait for so many times the CPU seconds that it takes is slow."""


@dataclass(frozen=True, slots=True)
class Machines:
    """What a job runs on."""

    cores: int
    threads: int
    """Of a worker process: one task uses so many cores at most."""
    memory_limit_bytes: int
    """Of a task."""
    assumed: str
    """Which they are, in words."""


def forecast(
    target: Target, sample: Sample, machines: Machines, prices: Prices, where: str
) -> PlanDocument:
    """Return what making `target` takes, if all of it is like the `sample`.

    Parameters
    ----------
    where
        Where the price table is from.
    """
    coded = [
        _with_indices(target, number, each)
        for number, each in enumerate(
            coded_levels(sample, [math.prod(level.shape) for level in target.pyramid])
        )
    ]
    levels = tuple(_level(target, number, each) for number, each in enumerate(coded))
    shards = tuple(
        Shards(level.shards, _stored(target, number, each.empty), each.bytes)
        for number, (level, each) in enumerate(zip(levels, coded, strict=True))
    )
    speed = rates(sample, target.itemsize)
    stages = tuple(stages_of(Sampled(target, shards, speed)))
    made = coded[target.first :]
    stored = sum(each.bytes for each in made)
    documents = metadata(len(levels), made=target.first == 0)
    sidecars = levels[0].shards if target.indexed else 0
    requests = total([documents, *(stage.requests for stage in stages)])
    time = _time(stages, machines)
    return PlanDocument(
        job=target.job,
        dataset=target.dataset,
        source=target.source,
        understood=target.understood,
        dtype=target.codings[0].dtype.name,
        reduction=target.reduction,
        levels=levels,
        stored=StoredEstimate(
            bytes=stored, low=sum(each.low for each in made), high=sum(each.high for each in made)
        ),
        # The group is put again when the dataset is whole, which makes no object more.
        objects=sum(level.shards for level in levels if level.made)
        + documents.put
        - int(target.first == 0)
        + sidecars,
        stages=stages,
        requests=requests,
        sample=measured(sample, speed, levels[0]),
        memory=_memory(target, stages, machines),
        time=time,
        cost=cost_of(prices, where, time.core_seconds, requests, stored),
        notes=tuple(_notes(target, sample)),
    )


def _with_indices(target: Target, number: int, payloads: Coded) -> Coded:
    """Return what a level is estimated to take, with the indices of its shards."""
    indices = _stored(target, number, payloads.empty) * target.codings[number].index_bytes
    return Coded(
        payloads.bytes + indices, payloads.low + indices, payloads.high + indices, payloads.empty
    )


def _level(target: Target, number: int, coded: Coded) -> PlannedLevel:
    level = target.pyramid[number]
    return PlannedLevel(
        shape=level.shape,
        chunk=level.chunk,
        shard=level.shard,
        shards=math.prod(grid_shape(level.shape, level.shard)),
        raw_bytes=math.prod(level.shape) * target.itemsize,
        stored_bytes=coded.bytes,
        empty=coded.empty,
        made=number >= target.first,
    )


def _stored(target: Target, number: int, empty: float) -> int:
    """Return how many shards hold anything, if empty chunks are strewn about."""
    level = target.pyramid[number]
    shards = math.prod(grid_shape(level.shape, level.shard))
    chunks = math.prod(grid_shape(level.shape, level.chunk))
    return round(shards * (1 - math.pow(empty, chunks / shards)))


def _memory(target: Target, stages: Sequence[PlannedStage], machines: Machines) -> MemoryDocument:
    most = max((stage.memory_bytes for stage in stages), default=0)
    return MemoryDocument(
        task_bytes=most,
        limit_bytes=machines.memory_limit_bytes,
        fits=most <= machines.memory_limit_bytes,
        scratch_bytes=scratch_bytes(target),
        scratch_free_bytes=shutil.disk_usage(tempfile.gettempdir()).free,
    )


def _time(stages: Sequence[PlannedStage], machines: Machines) -> TimeDocument:
    return TimeDocument(
        cores=machines.cores,
        core_seconds=sum(stage.core_seconds for stage in stages),
        seconds=sum(stage.core_seconds / _at_work(stage, machines) for stage in stages),
        assumed=machines.assumed,
    )


def _at_work(stage: PlannedStage, machines: Machines) -> int:
    """Return how many cores a stage can use: a few tasks do not fill a cluster."""
    return max(1, min(machines.cores, stage.tasks * machines.threads))


def _notes(target: Target, sample: Sample) -> Iterator[str]:
    """Yield what to know of a plan besides its figures."""
    yield from target.notes
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
