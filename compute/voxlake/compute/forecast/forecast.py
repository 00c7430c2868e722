"""A forecast: what a job will store, take and cost, before it runs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxlake.compute.forecast.estimate import coded_levels, rates, ratios
from voxlake.compute.forecast.requests import Requests, Shards, metadata, total
from voxlake.compute.forecast.stages import Sampled, Stage, stages_of

if TYPE_CHECKING:
    from voxlake.compute.forecast.estimate import Coded, Rates
    from voxlake.compute.forecast.sampling import Sample
    from voxlake.compute.forecast.target import Target


@dataclass(frozen=True, slots=True)
class Machines:
    """What a job runs on."""

    cores: int
    threads: int
    """Of a worker process: one task uses so many cores at most."""


@dataclass(frozen=True, slots=True)
class Level:
    """One level, as it will be."""

    shape: tuple[int, ...]
    chunk: tuple[int, ...]
    shard: tuple[int, ...]
    shards: int
    """Objects, at most: shards of nothing but fill are not stored."""
    raw_bytes: int
    stored_bytes: float
    """Estimated, with the indices of the shards."""
    low: float
    high: float
    empty: float
    """Share of chunks that hold nothing but fill."""
    made: bool
    """False of level 0 if it is there."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a job is expected to take."""

    levels: tuple[Level, ...]
    stages: tuple[Stage, ...]
    requests: Requests
    """Of all stages, and of metadata."""
    objects: int
    """That are made, metadata included, at most."""
    ratios: tuple[float, ...]
    """Compression of each sampled box of level 0, in ascending order; inf where it is empty."""
    rates: Rates
    core_seconds: float
    seconds: float
    """On the machines that were given."""
    stored_bytes: float
    """Of the levels that are made."""
    low: float
    high: float


def forecast(target: Target, sample: Sample, machines: Machines) -> Forecast:
    """Return what making `target` takes, if all of it is like the `sample`."""
    coded = coded_levels(sample, [math.prod(rung.shape) for rung in target.ladder])
    levels = tuple(_level(target, number, each) for number, each in enumerate(coded))
    shards = tuple(
        Shards(level.shards, _stored(target, number, level.empty), level.stored_bytes)
        for number, level in enumerate(levels)
    )
    measured = rates(sample, target.itemsize)
    stages = tuple(stages_of(Sampled(target, shards, measured)))
    made = [level for level in levels if level.made]
    documents = metadata(len(levels), made=target.first == 0)
    sidecars = levels[0].shards if target.indexed else 0
    return Forecast(
        levels,
        stages,
        total([documents, *(stage.requests for stage in stages)]),
        sum(level.shards for level in made) + documents.put + sidecars,
        tuple(ratios(sample, target.itemsize)),
        measured,
        sum(stage.core_seconds for stage in stages),
        sum(stage.core_seconds / _at_work(stage, machines) for stage in stages),
        sum(level.stored_bytes for level in made),
        sum(level.low for level in made),
        sum(level.high for level in made),
    )


def _level(target: Target, number: int, coded: Coded) -> Level:
    rung, coding = target.ladder[number], target.codings[number]
    count = math.prod(-(-n // s) for n, s in zip(rung.shape, rung.shard, strict=True))
    indices = _stored(target, number, coded.empty) * coding.index_bytes
    return Level(
        rung.shape,
        rung.chunk,
        rung.shard,
        count,
        math.prod(rung.shape) * target.itemsize,
        coded.bytes + indices,
        coded.low + indices,
        coded.high + indices,
        coded.empty,
        number >= target.first,
    )


def _stored(target: Target, number: int, empty: float) -> int:
    """Return how many shards hold anything, if empty chunks are strewn about."""
    rung = target.ladder[number]
    shards = math.prod(-(-n // s) for n, s in zip(rung.shape, rung.shard, strict=True))
    chunks = math.prod(-(-n // c) for n, c in zip(rung.shape, rung.chunk, strict=True))
    return round(shards * (1 - math.pow(empty, chunks / shards)))


def _at_work(stage: Stage, machines: Machines) -> int:
    """Return how many cores a stage can use: a few tasks do not fill a cluster."""
    return max(1, min(machines.cores, stage.tasks * machines.threads))
