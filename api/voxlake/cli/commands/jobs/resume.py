"""``voxlake jobs resume``: go on with a job."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from voxlake.cli.lake import opened_catalog
from voxlake.cli.options import Answering, InLake, Running
from voxlake.cli.work import queue, run, show_job
from voxlake.cli.workspace import opened_workspace
from voxlake.compute.sources import opening_once
from voxlake.platform.catalog import Catalog
from voxlake.platform.errors import InvalidInputError, NotFoundError
from voxlake.platform.jobs.record import ENDED, Job


def resume(
    job: Annotated[
        str | None,
        Parameter(name="[JOB]", help="Its id; by default the one that is to go on."),
    ] = None,
    /,
    *,
    lake: InLake = InLake(),
    cluster: Running = Running(),
    answering: Answering = Answering(),
) -> int:
    """Go on with a job that was killed or failed; what is done is not done again."""
    if cluster.queue:
        with opened_catalog(lake) as catalog:
            return queue(catalog, _chosen(catalog, job), answering)
    with opening_once(), opened_workspace(lake, cluster) as workspace:
        chosen = _chosen(workspace.catalog, job)
        return show_job(run(workspace, chosen), json=answering.json)


def _chosen(catalog: Catalog, job: str | None) -> Job:
    if job is not None:
        return catalog.ledger.get_job(job)
    waiting = [each for each in catalog.ledger.list_jobs() if each.state not in ENDED]
    if not waiting:
        raise NotFoundError("no job is to go on: all are done or cancelled")
    if len(waiting) > 1:
        ids = ", ".join(f"{each.id} ({each.kind} {each.dataset})" for each in waiting)
        raise InvalidInputError(f"{len(waiting)} jobs could go on; name one of {ids}")
    return waiting[0]
