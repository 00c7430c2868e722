"""Plans, as people see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.cli.shown.output import Shown, facts, size, table

if TYPE_CHECKING:
    from voxlake.documents.jobs.plan import (
        CostDocument,
        MemoryDocument,
        PlanDocument,
        Requests,
        SampleDocument,
        StoredEstimate,
        TimeDocument,
    )

HOUR = 3600


def shown_plan(plan: PlanDocument) -> Shown:
    """Yield what people see of a plan."""
    yield facts(
        (
            ("job", f"{plan.job} {plan.dataset}"),
            ("source", plan.source),
            ("understood", plan.understood),
            ("voxels", f"{plan.dtype}, levels by {plan.reduction}"),
            ("sample", _sample(plan.sample)),
            ("stored", _stored(plan.stored)),
            ("objects", f"at most {plan.objects:,}"),
            ("requests", _requests(plan.requests)),
            ("memory", _memory(plan.memory)),
            ("time", _time(plan.time)),
            ("cost", _cost(plan.cost)),
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
        ("stage", "tasks#", "region#", "memory#", "core hours#", "reading~"),
        (
            (
                stage.name,
                stage.tasks,
                stage.region,
                size(stage.memory_bytes),
                f"{stage.core_seconds / HOUR:,.3g}",
                stage.reading,
            )
            for stage in plan.stages
        ),
    )


def _sample(sample: SampleDocument) -> str:
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


def _stored(stored: StoredEstimate) -> str:
    if stored.low == stored.high:
        return size(stored.bytes)
    return f"{size(stored.bytes)} (95 of 100: {size(stored.low)} to {size(stored.high)})"


def _requests(requests: Requests) -> str:
    return ", ".join(f"{count:,} {name.upper()}" for name, count in requests if count)


def _memory(memory: MemoryDocument) -> str:
    fits = "" if memory.fits else ": refused, raise VOXLAKE_MEMORY_LIMIT_BYTES"
    task = f"{size(memory.task_bytes)} a task, limit {size(memory.limit_bytes)}{fits}"
    if not memory.scratch_bytes:
        return task
    free = size(memory.scratch_free_bytes)
    return f"{task}; {size(memory.scratch_bytes)} of temporary files a process ({free} free here)"


def _time(time: TimeDocument) -> str:
    hours, core_hours = time.seconds / HOUR, time.core_seconds / HOUR
    took = f"{hours:,.1f} h" if hours >= 1 else f"{time.seconds:,.1f} s"
    return f"{took} on {time.cores:,} cores ({core_hours:,.3g} core hours); {time.assumed}"


def _cost(cost: CostDocument) -> str:
    amounts = (
        f"{_money(cost.once)} {cost.currency} once (computing {_money(cost.compute)}, requests "
        f"{_money(cost.requests)}), {_money(cost.storage_month)} {cost.currency} a month of storage"
    )
    if not cost.read_out:
        return amounts
    return f"{amounts}, {_money(cost.read_out)} {cost.currency} to read it out once"


def _money(amount: float) -> str:
    """Return an amount for people.

    Examples
    --------
    >>> _money(1234.5), _money(0.0012)
    ('1,234.50', '0.0012')
    """
    return f"{amount:,.2f}" if amount >= 1 or not amount else f"{amount:.2g}"
