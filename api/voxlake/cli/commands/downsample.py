"""``voxlake downsample``: the levels of a dataset, built anew."""

from __future__ import annotations

from voxlake.cli.lake import opened_workspace
from voxlake.cli.options import Answering, InLake, Name, Running, grouped, parse_name
from voxlake.cli.work import run_or_queue


@grouped
def downsample(name: Name, lake: InLake, cluster: Running, answering: Answering) -> int:
    """Build levels 1 and above of a dataset anew from level 0."""
    from voxlake.compute.jobs import start_downsample

    dataset = parse_name(name)
    with opened_workspace(lake, cluster) as workspace:
        return run_or_queue(workspace, start_downsample(workspace, dataset), cluster, answering)
