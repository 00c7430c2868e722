"""``voxlake index``: the label index of labels, by shard and by label, built anew."""

from __future__ import annotations

from voxlake.cli.loading import loading
from voxlake.cli.options import Answering, InLake, Name, Running
from voxlake.platform.names import DatasetName


def index(
    name: Name,
    /,
    *,
    lake: InLake = InLake(),
    cluster: Running = Running(),
    answering: Answering = Answering(),
) -> int:
    """Build the label index of labels anew: what each shard holds, and all of it by label."""
    with loading():
        from voxlake.cli.opened.workspace import opened_workspace
        from voxlake.cli.work import run_or_queue
        from voxlake.compute.jobs import start_index

    dataset = DatasetName.parse(name)
    with opened_workspace(lake, cluster) as workspace:
        return run_or_queue(workspace, start_index(workspace, dataset), cluster, answering)
