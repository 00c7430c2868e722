"""``voxlake plan``: what a job will store, take and cost, before it runs."""

from __future__ import annotations

import math
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter, validators

from voxlake.cli.ingest_options import KIND_HELP, SOURCE_HELP, AsAnyKind, ingest_request
from voxlake.cli.lake import is_lake, opened_workspace
from voxlake.cli.options import Answering, Flag, InLake, OnCluster, Whole, parse_name
from voxlake.cli.shown.output import answer
from voxlake.cli.shown.plan import shown_plan
from voxlake.documents.plan import (
    CostDocument,
    MemoryDocument,
    PlanDocument,
    PricesDocument,
    SampleDocument,
    StoredEstimate,
    TimeDocument,
)
from voxlake.platform.errors import InvalidInputError

if TYPE_CHECKING:
    from voxlake.compute.forecast import Forecast, Machines, Sample, Target
    from voxlake.compute.jobs import IngestRequest
    from voxlake.compute.jobs.kinds.ingest_spec import IngestSpec
    from voxlake.compute.passes.region import ReadInto
    from voxlake.platform.settings import Settings

SLOW = 2.0
"""A source that makes its reader wait for so many times the CPU seconds that it takes is slow."""


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Planning(AsAnyKind):
    """What is planned, on what, and at which prices."""

    kind: Annotated[Literal["image", "labels"] | None, Parameter(help=KIND_HELP)] = None
    job: Annotated[
        Literal["ingest", "downsample"],
        Parameter(help="What is planned; downsample takes the NAME of a dataset alone."),
    ] = "ingest"
    cores: Annotated[
        Whole | None,
        Parameter(
            metavar="N",
            help="Cores that the job has; by default those of this machine or of the cluster.",
            validator=validators.Number(gte=1),
        ),
    ] = None
    seconds: Annotated[
        float,
        Parameter(
            metavar="S",
            help="Sample for S seconds, about, at most.",
            validator=validators.Number(gte=0),
        ),
    ] = 20.0
    prices: Annotated[
        Path | None, Parameter(metavar="FILE", help="A price table of your own, in TOML.")
    ] = None
    show_prices: Annotated[
        Flag, Parameter(help="Print the price table in force, and nothing else.")
    ] = False


@dataclass(frozen=True, slots=True)
class _Asked:
    """A job, as far as it is known without reading a voxel."""

    dataset: str
    source: str | None
    target: Target
    read: ReadInto


def plan(
    source: Annotated[
        str | None,
        Parameter(name="SOURCE", help=f"{SOURCE_HELP} With --job downsample: NAME."),
    ] = None,
    name: Annotated[
        str | None, Parameter(name="NAME", help="COLLECTION/EXPERIMENT/DATASET.")
    ] = None,
    /,
    *,
    lake: InLake = InLake(),
    cluster: OnCluster = OnCluster(),
    planning: Planning = Planning(),
    answering: Answering = Answering(),
) -> None:
    """Tell what `voxlake ingest` with the same options will store, take and cost.

    Writes nothing, and needs no lake. Sizes, rates and costs come from a sample: a few boxes of
    the source, spread evenly, are read, reduced and coded.
    """
    from voxlake.compute.forecast import Bounds, forecast, take_sample

    if planning.show_prices:
        _show_prices(planning, answering)
        return
    settings = cluster.settings
    if planning.job == "ingest":
        asked = _ingest(source, name, planning, lake, cluster)
    else:
        asked = _downsample(source, name, lake, cluster)
    machines, assumed = _machines(settings, planning.cores)
    sample = take_sample(asked.target, asked.read, Bounds(seconds=planning.seconds))
    expected = forecast(asked.target, sample, machines)
    document = PlanDocument.model_validate(
        {
            "job": planning.job,
            "dataset": asked.dataset,
            "source": asked.source,
            "dtype": asked.target.codings[0].dtype.name,
            "reduction": asked.target.reduction,
            "levels": expected.levels,
            "stored": StoredEstimate(
                bytes=expected.stored_bytes, low=expected.low, high=expected.high
            ),
            "objects": expected.objects,
            "stages": expected.stages,
            "requests": expected.requests,
            "sample": _sample(sample, expected, asked.target.itemsize),
            "memory": _memory(expected, settings),
            "time": TimeDocument(
                cores=machines.cores,
                core_seconds=expected.core_seconds,
                seconds=expected.seconds,
                assumed=assumed,
            ),
            "cost": _cost(expected, planning.prices),
            "notes": tuple(_notes(asked.target, sample)),
        }
    )
    answer(document, shown_plan(document), json=answering.json)


def _ingest(
    source: str | None, name: str | None, planning: Planning, lake: InLake, cluster: OnCluster
) -> _Asked:
    from voxlake.compute.forecast import target_of_ingest
    from voxlake.compute.jobs.workspace import task_limits
    from voxlake.compute.sources import opening_once

    if source is None or name is None or planning.kind is None:
        raise InvalidInputError(
            "an ingest is planned of a source, a name and a kind; write voxlake plan SOURCE NAME "
            "--kind image"
        )
    request = ingest_request(source, name, planning.kind, planning)
    with opening_once():
        spec = _spec(request, lake, cluster)
        target, read = target_of_ingest(spec, task_limits(cluster.settings, spec.task_bytes))
    return _Asked(spec.name, spec.source, target, read)


def _spec(request: IngestRequest, lake: InLake, cluster: OnCluster) -> IngestSpec:
    """Check the request, against the lake too if there is one."""
    from voxlake.compute.jobs.kinds.ingest import check_free, image_of
    from voxlake.compute.jobs.kinds.ingest_spec import ingest_spec

    there = lake.lake is not None and is_lake(lake.url)
    if not there and request.place.of is None:
        return ingest_spec(request, None, cluster.settings)
    with opened_workspace(lake, cluster) as workspace:
        check_free(workspace, request.place)
        return ingest_spec(request, image_of(workspace, request.place), cluster.settings)


def _downsample(name: str | None, second: str | None, lake: InLake, cluster: OnCluster) -> _Asked:
    from voxlake.compute.forecast import target_of_dataset
    from voxlake.compute.jobs.workspace import task_limits

    if name is None or second is not None:
        raise InvalidInputError(
            "a downsample is planned of a dataset alone; write voxlake plan NAME --job downsample"
        )
    settings, dataset = cluster.settings, parse_name(name)
    with opened_workspace(lake, cluster) as workspace:
        opened = workspace.dataset(workspace.place(dataset))
    target, read = target_of_dataset(opened, task_limits(settings, settings.task_bytes))
    return _Asked(name, None, target, read)


def _machines(settings: Settings, cores: int | None) -> tuple[Machines, str]:
    from voxlake.compute.forecast import Machines
    from voxlake.compute.passes.threads import available_cores
    from voxlake.compute.run import THREADS_PER_PROCESS, worker_threads

    each = "each as fast as one of this machine, where the sample was measured"
    if cores is not None:
        here = cores <= available_cores()
        return Machines(cores, cores if here else THREADS_PER_PROCESS), f"as given, {each}"
    if settings.scheduler:
        threads = worker_threads(settings.scheduler)
        if threads:
            assumed = f"those of the {len(threads)} workers at {settings.scheduler}, {each}"
            return Machines(sum(threads), max(threads)), assumed
    cores = available_cores()
    return Machines(cores, cores), "those of this machine, where the sample was measured"


def _sample(sample: Sample, expected: Forecast, itemsize: int) -> SampleDocument:
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


def _finite(ratio: float) -> float | None:
    return ratio if math.isfinite(ratio) else None


def _mb(seconds_per_byte: float) -> float | None:
    return 1e-6 / seconds_per_byte if seconds_per_byte else None


def _memory(expected: Forecast, settings: Settings) -> MemoryDocument:
    most = max((stage.memory_bytes for stage in expected.stages), default=0)
    return MemoryDocument(
        task_bytes=most,
        limit_bytes=settings.memory_limit_bytes,
        fits=most <= settings.memory_limit_bytes,
        scratch_bytes=max((stage.scratch_bytes for stage in expected.stages), default=0),
        scratch_free_bytes=shutil.disk_usage(tempfile.gettempdir()).free,
    )


def _cost(expected: Forecast, path: Path | None) -> CostDocument:
    from voxlake.compute.forecast import cost_of, read_prices

    prices, where, _ = read_prices(path)
    cost = cost_of(prices, expected.core_seconds, expected.requests, expected.stored_bytes)
    return CostDocument(
        **asdict(cost),
        once=cost.once,
        currency=prices.currency,
        prices=f"{where} ({prices.source})" if prices.source else where,
        as_of=prices.as_of,
    )


def _notes(target: Target, sample: Sample) -> Iterator[str]:
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


def _show_prices(planning: Planning, answering: Answering) -> None:
    from voxlake.compute.forecast import read_prices, user_file

    _, where, text = read_prices(planning.prices)
    document = PricesDocument(where=where, put_your_own_in=str(user_file()), text=text)
    shown = f"# {where}; yours is read from {user_file()}\n{text}"
    answer(document, [shown.rstrip()], json=answering.json)
