"""``voxlake verify``: every voxel compared with what it must be."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter, validators

from voxlake.cli.manual.exit_codes import PARTIAL
from voxlake.cli.opened.workspace import opened_workspace
from voxlake.cli.options import Answering, InLake, Name, Running
from voxlake.cli.shown.dataset import UNFINISHED
from voxlake.cli.shown.output import note
from voxlake.cli.work import queue, run, show_job
from voxlake.compute.jobs import start_verify, write_report
from voxlake.compute.jobs.kinds.verify import count_behind
from voxlake.compute.sources import absolute_location, opening_once
from voxlake.ngff.making.unfinished import is_whole
from voxlake.platform.catalog import DatasetState
from voxlake.platform.errors import InvalidInputError
from voxlake.platform.names import DatasetName


def verify(
    name: Name,
    /,
    *,
    lake: InLake = InLake(),
    cluster: Running = Running(),
    answering: Answering = Answering(),
    source: Annotated[
        str | None,
        Parameter(
            metavar="SOURCE",
            help="What it was made from; without it levels are compared with one another.",
        ),
    ] = None,
    report: Annotated[
        Path | None,
        Parameter(
            metavar="FILE",
            validator=validators.Path(dir_okay=False),
            help="Write a report, with the hashes of every shard, as lines of JSON.",
        ),
    ] = None,
) -> int:
    """Compare every voxel with the source, and every level with the one below it.

    Names the shards that differ, and then ends with exit code 5; so it does if the dataset is not
    whole, whatever was compared. Levels that another program made are not compared.
    """
    dataset = DatasetName.parse(name)
    location = absolute_location(source) if source is not None else None
    if report is not None:
        _check_report(report, cluster)
    with opening_once(), opened_workspace(lake, cluster) as workspace:
        job = start_verify(workspace, dataset, location, hashes=report is not None)
        if cluster.queue:
            return queue(workspace.catalog, job, answering)
        done = run(workspace, job)
        if report is not None:
            totals = write_report(workspace, job, report)
            note(f"{report}: {totals.shards:,} shards, {totals.verdict}")
        code = show_job(done, json=answering.json)
        if behind := count_behind(workspace, job):
            note(
                f"{behind:,} voxels of coarser levels are behind level 0, which was written to: "
                f"voxlake downsample {dataset} --stale"
            )
        if workspace.catalog.get_dataset(dataset).state is DatasetState.READY and is_whole(
            workspace.address(workspace.place(dataset))
        ):
            return code
        note(f"{dataset} is not whole: {UNFINISHED}")
        return PARTIAL


def _check_report(report: Path, cluster: Running) -> None:
    """Raise InvalidInputError unless a file can be put there: hours later would be too late."""
    if cluster.queue:
        raise InvalidInputError("a report is written when the job has run; leave out --queue")
    if not report.absolute().parent.is_dir():
        raise InvalidInputError(f"{report.parent} is no folder; make it, or name another file")
