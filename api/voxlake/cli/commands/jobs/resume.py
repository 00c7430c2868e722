"""``voxlake jobs resume``: go on with a job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from voxlake.cli.loading import loading
from voxlake.cli.opened.jobs import AtJobs, opened_jobs
from voxlake.cli.options import Answering, Running
from voxlake.cli.shown.job import shown_job
from voxlake.cli.shown.output import answer
from voxlake.platform.errors import InvalidInputError, NotFoundError
from voxlake.platform.jobs.record import ENDED

if TYPE_CHECKING:
    from voxlake.cli.opened.jobs import Jobs


def resume(
    job: Annotated[
        str | None,
        Parameter(name="[JOB]", help="Its id; by default the one that is to go on."),
    ] = None,
    /,
    *,
    whose: AtJobs = AtJobs(),
    cluster: Running = Running(),
    answering: Answering = Answering(),
) -> int:
    """Go on with a job that was killed or failed; what is done is not done again.

    A job of a gateway is left to its workers, and voxlake jobs watch tells how far it is.
    """
    with opened_jobs(whose) as jobs:
        chosen = job or _only(jobs)
        if cluster.queue or whose.gateway is not None:
            document = jobs.retry(chosen)
            answer(document, shown_job(document), json=answering.json)
            return 0
    with loading():
        from voxlake.cli.opened.workspace import opened_workspace
        from voxlake.cli.work import run, show_job
        from voxlake.compute.sources import opening_once

    with opening_once(), opened_workspace(whose, cluster) as workspace:
        there = workspace.catalog.ledger.get_job(chosen)
        return show_job(run(workspace, there), json=answering.json)


def _only(jobs: Jobs) -> str:
    """Return the job that is to go on."""
    waiting = [each for each in jobs.list().jobs if each.state not in ENDED]
    if not waiting:
        raise NotFoundError("no job is to go on: all are done or cancelled")
    if len(waiting) > 1:
        ids = ", ".join(f"{each.id} ({each.kind} {each.dataset})" for each in waiting)
        raise InvalidInputError(f"{len(waiting)} jobs could go on; name one of {ids}")
    return waiting[0].id
