"""A dataset is verified, and a report of it written if that is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.cli.manual.exit_codes import PARTIAL
from voxlake.cli.opened.workspace import opened_workspace
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

if TYPE_CHECKING:
    from pathlib import Path

    from voxlake.cli.options import Answering, InLake, Running


def verify_dataset(
    name: str,
    source: str | None,
    report: Path | None,
    lake: InLake,
    cluster: Running,
    answering: Answering,
) -> int:
    """Compare a dataset with its source, or its levels with one another; return the exit code."""
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
