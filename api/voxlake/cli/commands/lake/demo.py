"""``voxlake demo``: from sample data to a view of it, by one command."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter, validators

from voxlake.cli.commands.lake.serve import Listening
from voxlake.cli.loading import loading
from voxlake.cli.options import Answering, InLake, OnCluster, Whole


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class OfSample:
    """Which data the demo shows."""

    sample: Annotated[
        Path | None,
        Parameter(
            env_var="VOXLAKE_SAMPLE_DIR",
            metavar="DIR",
            help="A folder with the sample; by default it is downloaded.",
        ),
    ] = None
    edge: Annotated[
        Whole | None,
        Parameter(
            name="--size",
            metavar="N",
            help="Make a phantom of N^3 voxels instead.",
            validator=validators.Number(gte=1),
        ),
    ] = None
    serve: Annotated[
        bool, Parameter(negative="--no-serve", help="Serve the lake when it is made.")
    ] = True


def demo(
    *,
    sample: OfSample = OfSample(),
    lake: InLake = InLake(),
    listening: Listening = Listening(),
    cluster: OnCluster = OnCluster(),
    answering: Answering = Answering(),
) -> int:
    """Build a lake from real electron microscopy and show it in Neuroglancer.

    Ingests the FlyEM FIB-25 cube with its segmentation (a phantom where there is no network),
    indexes the labels, compares every voxel with the source, and serves the lake, by default in
    the folder demo-lake. Run again, it uses what is there and goes on with what was cut off.
    """
    with loading():
        from voxlake.cli.running.demo import show_demo

    return show_demo(sample, lake, listening, cluster, answering)
