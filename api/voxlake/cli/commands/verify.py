"""``voxlake verify``: every voxel compared with what it must be."""

from __future__ import annotations

from typing import Annotated

from typer import Option

from voxlake.cli.lake import opened_workspace
from voxlake.cli.options import Answering, InLake, Name, OnCluster, grouped, parse_name
from voxlake.cli.work import run, show_job


@grouped
def verify(
    name: Name,
    lake: InLake,
    cluster: OnCluster,
    answering: Answering,
    source: Annotated[
        str | None,
        Option("--source", help="The source; without it levels are compared with one another."),
    ] = None,
) -> int:
    """Compare every voxel with the source, and every level with the one below it.

    Names the shards that differ, and then ends with exit code 5.
    """
    from voxlake.compute.jobs import start_verify
    from voxlake.compute.sources import absolute_location

    dataset = parse_name(name)
    location = absolute_location(source) if source is not None else None
    with opened_workspace(lake, cluster) as workspace:
        job = start_verify(workspace, dataset, location)
        return show_job(run(workspace, job), json=answering.json)
