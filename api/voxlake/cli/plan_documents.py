"""What ``voxlake plan`` answers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING

from rich.console import RenderableType

from voxlake.cli.shown.output import Document, facts, size, table

if TYPE_CHECKING:
    from voxlake.compute.forecast import Forecast, Level, Sample, Stage


class PlannedLevel(Document):
    """One level, as it will be."""

    shape: tuple[int, ...]
    chunk: tuple[int, ...]
    shard: tuple[int, ...]
    shards: int
    """Objects, at most: shards of nothing but fill are not stored."""
    raw_bytes: int
    stored_bytes: int
    """Estimated."""
    empty: float
    """Share of chunks of nothing but fill, estimated."""
    made: bool
    """False of a level that is there already."""


class RequestsDocument(Document):
    """Requests to the store, about."""

    put: int
    get: int
    head: int
    delete: int


class PlannedStage(Document):
    """One stage of the job."""

    stage: str
    tasks: int
    region: tuple[int, ...]
    """Voxels that a task handles, at most."""
    reading: str
    """How a task gets at its voxels, in words."""
    reads: float
    """How often each block of what is read is decoded, on average."""
    memory_bytes: int
    """Projected peak of a task."""
    voxels: int
    core_hours: float
    requests: RequestsDocument


class Spread(Document):
    """An estimate, and where the truth lies in 95 of 100 such samples if boxes are alike."""

    bytes: int
    low: int
    high: int


class SampleDocument(Document):
    """What was measured."""

    boxes: int
    voxels: int
    share: float
    """Of the voxels of level 0."""
    whole: bool
    """Whether everything was read: what is stored is then known, not estimated."""
    seconds: float
    ratio: float | None
    """Raw bytes for one that is stored, of all boxes together; None if nothing would be stored."""
    ratio_low: float | None
    """Of the box that a tenth of them are below; with `ratio_high`, the spread."""
    ratio_high: float | None
    empty: float
    """Share of chunks of nothing but fill."""
    read_mb_per_core_s: float | None
    """MB of voxels for each CPU second of this machine, as the next four; None: not measured."""
    reduce_mb_per_core_s: float | None
    encode_mb_per_core_s: float | None
    decode_mb_per_core_s: float | None
    write_mb_per_core_s: float | None
    """Of stored bytes."""


class MemoryDocument(Document):
    """Memory of a task, and space for temporary files."""

    task_bytes: int
    limit_bytes: int
    fits: bool
    """False: the job would be refused."""
    scratch_bytes: int
    """Temporary files of a worker process; 0 unless the source is staged."""
    scratch_free_bytes: int
    """What the folder for temporary files of this machine has."""


class TimeDocument(Document):
    """How long it takes."""

    cores: int
    core_hours: float
    hours: float
    assumed: str
    """What of."""


class CostDocument(Document):
    """What it costs, by the price table."""

    currency: str
    compute: float
    requests: float
    once: float
    """The job."""
    storage_month: float
    """What it leaves, each month."""
    read_out: float
    """Reading all of it out of the store once."""
    prices: str
    """Which price table."""
    as_of: date
    """Day of its prices."""


class PlanDocument(Document):
    """What a job will store, take and cost."""

    job: str
    dataset: str
    source: str | None
    dtype: str
    reduction: str
    levels: tuple[PlannedLevel, ...]
    stored: Spread
    objects: int
    """That the job makes, at most: shards, sidecars of the label index, metadata."""
    stages: tuple[PlannedStage, ...]
    requests: RequestsDocument
    sample: SampleDocument
    memory: MemoryDocument
    time: TimeDocument
    cost: CostDocument
    notes: tuple[str, ...]


class PricesDocument(Document):
    """The price table in force."""

    where: str
    put_your_own_in: str
    """File that is read if there is one."""
    text: str
    """TOML."""


def planned_levels(forecast: Forecast) -> tuple[PlannedLevel, ...]:
    """Return the levels of a forecast."""
    return tuple(map(_level, forecast.levels))


def planned_stages(forecast: Forecast) -> tuple[PlannedStage, ...]:
    """Return the stages of a forecast."""
    return tuple(map(_stage, forecast.stages))


def requests_of(forecast: Forecast | Stage) -> RequestsDocument:
    """Return the requests of a forecast, or of one of its stages."""
    found = forecast.requests
    return RequestsDocument(put=found.put, get=found.get, head=found.head, delete=found.delete)


def sample_document(sample: Sample, forecast: Forecast, itemsize: int) -> SampleDocument:
    """Return what was measured."""
    pieces = sample.pieces
    voxels = sum(piece.levels[0].voxels for piece in pieces)
    stored = sum(piece.levels[0].stored_bytes for piece in pieces)
    rates, ratios = forecast.rates, forecast.ratios
    return SampleDocument(
        boxes=len(pieces),
        voxels=voxels,
        share=voxels / math.prod(forecast.levels[0].shape),
        whole=sample.whole,
        seconds=sample.seconds,
        ratio=voxels * itemsize / stored if stored else None,
        ratio_low=_finite(ratios[len(ratios) // 10]),
        ratio_high=_finite(ratios[-1 - len(ratios) // 10]),
        empty=forecast.levels[0].empty,
        read_mb_per_core_s=_mb(rates.read),
        reduce_mb_per_core_s=_mb(rates.reduce / itemsize),
        encode_mb_per_core_s=_mb(rates.encode),
        decode_mb_per_core_s=_mb(rates.decode),
        write_mb_per_core_s=_mb(rates.write),
    )


def shown_plan(plan: PlanDocument) -> Iterable[RenderableType]:
    """Yield what people see of a plan."""
    yield facts(
        (
            ("job", f"{plan.job} {plan.dataset}"),
            ("source", plan.source),
            ("voxels", f"{plan.dtype}, levels by {plan.reduction}"),
            ("sample", _sample_said(plan.sample)),
            ("stored", _stored_said(plan.stored)),
            ("objects", f"at most {plan.objects:,}"),
            ("requests", _requests_said(plan.requests)),
            ("memory", _memory_said(plan.memory)),
            ("time", _time_said(plan.time)),
            ("cost", _cost_said(plan.cost)),
            ("prices", f"{plan.cost.prices}, as of {plan.cost.as_of}"),
            *(("note", note) for note in plan.notes),
        )
    )
    yield table(
        ("level", "shape#", "chunk#", "shard#", "shards#", "raw#", "stored#", "empty#"),
        (
            (
                str(number),
                level.shape,
                level.chunk,
                level.shard,
                level.shards,
                size(level.raw_bytes),
                f"{size(level.stored_bytes)}{'' if level.made else ', there'}",
                f"{level.empty:.0%}",
            )
            for number, level in enumerate(plan.levels)
        ),
    )
    yield table(
        ("stage", "tasks#", "region#", "memory#", "core hours#", "reading"),
        (
            (
                stage.stage,
                stage.tasks,
                stage.region,
                size(stage.memory_bytes),
                f"{stage.core_hours:,.3g}",
                stage.reading,
            )
            for stage in plan.stages
        ),
    )


def _level(level: Level) -> PlannedLevel:
    return PlannedLevel(
        shape=level.shape,
        chunk=level.chunk,
        shard=level.shard,
        shards=level.shards,
        raw_bytes=level.raw_bytes,
        stored_bytes=round(level.stored_bytes),
        empty=level.empty,
        made=level.made,
    )


def _stage(stage: Stage) -> PlannedStage:
    return PlannedStage(
        stage=stage.name,
        tasks=stage.tasks,
        region=stage.region,
        reading=stage.reading,
        reads=stage.reads,
        memory_bytes=stage.memory_bytes,
        voxels=stage.voxels,
        core_hours=stage.core_seconds / 3600,
        requests=requests_of(stage),
    )


def _sample_said(sample: SampleDocument) -> str:
    boxes = f"{sample.boxes} boxes, {sample.share:.2g} of all voxels, in {sample.seconds:.1f} s"
    if sample.whole:
        boxes = f"all voxels, in {sample.seconds:.1f} s"
    ratios = [f"{r:.2f}" if r else "empty" for r in (sample.ratio_low, sample.ratio_high)]
    ratio = f"{sample.ratio:.2f} to 1" if sample.ratio else "all empty"
    rates = " + ".join(
        f"{name} {rate:,.0f}"
        for name, rate in (
            ("read", sample.read_mb_per_core_s),
            ("reduce", sample.reduce_mb_per_core_s),
            ("encode", sample.encode_mb_per_core_s),
        )
        if rate is not None
    )
    return (
        f"{boxes}: {ratio} ({' to '.join(ratios)}), {sample.empty:.0%} of chunks empty; "
        f"{rates} MB per core second"
    )


def _stored_said(stored: Spread) -> str:
    if stored.low == stored.high:
        return size(stored.bytes)
    return f"{size(stored.bytes)} (95 of 100: {size(stored.low)} to {size(stored.high)})"


def _requests_said(requests: RequestsDocument) -> str:
    named = {
        "PUT": requests.put,
        "GET": requests.get,
        "HEAD": requests.head,
        "DELETE": requests.delete,
    }
    return ", ".join(f"{count:,} {name}" for name, count in named.items() if count)


def _memory_said(memory: MemoryDocument) -> str:
    fits = "" if memory.fits else ": refused, raise VOXLAKE_MEMORY_LIMIT_BYTES"
    said = f"{size(memory.task_bytes)} a task, limit {size(memory.limit_bytes)}{fits}"
    if not memory.scratch_bytes:
        return said
    free = size(memory.scratch_free_bytes)
    return f"{said}; {size(memory.scratch_bytes)} of temporary files a process ({free} free here)"


def _time_said(time: TimeDocument) -> str:
    hours = f"{time.hours:,.1f} h" if time.hours >= 1 else f"{time.hours * 3600:,.1f} s"
    return f"{hours} on {time.cores:,} cores ({time.core_hours:,.3g} core hours); {time.assumed}"


def _cost_said(cost: CostDocument) -> str:
    said = (
        f"{_money(cost.once)} {cost.currency} once (computing {_money(cost.compute)}, requests "
        f"{_money(cost.requests)}), {_money(cost.storage_month)} {cost.currency} a month of storage"
    )
    if not cost.read_out:
        return said
    return f"{said}, {_money(cost.read_out)} {cost.currency} to read it out once"


def _money(amount: float) -> str:
    """Return an amount for people.

    Examples
    --------
    >>> _money(1234.5), _money(0.0012)
    ('1,234.50', '0.0012')
    """
    return f"{amount:,.2f}" if amount >= 1 or not amount else f"{amount:.2g}"


def _finite(ratio: float) -> float | None:
    return ratio if math.isfinite(ratio) else None


def _mb(seconds_per_byte: float) -> float | None:
    return 1e-6 / seconds_per_byte if seconds_per_byte else None
