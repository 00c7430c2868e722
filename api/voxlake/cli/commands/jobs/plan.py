"""``voxlake plan``: what a job will store, take and cost, before it runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter, validators

from voxlake.cli.ingest_options import KIND_HELP, SOURCE_HELP, AsAnyKind
from voxlake.cli.loading import loading
from voxlake.cli.options import Answering, Flag, InLake, OnCluster, Whole


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
    with loading():
        from voxlake.cli.running.plan import plan_job

    plan_job(source, name, lake, cluster, planning, answering)
