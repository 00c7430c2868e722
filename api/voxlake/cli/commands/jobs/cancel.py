"""``voxlake jobs cancel``: give a job up."""

from __future__ import annotations

from voxlake.cli.commands.jobs.jobs import JobId
from voxlake.cli.opened.jobs import AtJobs, opened_jobs
from voxlake.cli.options import Answering
from voxlake.cli.shown.job import shown_job
from voxlake.cli.shown.output import answer


def cancel(job: JobId, /, *, whose: AtJobs = AtJobs(), answering: Answering = Answering()) -> None:
    """Give a job up, and remove what an unfinished ingest has written.

    A job that runs is cancelled by its runner, within seconds.
    """
    with opened_jobs(whose) as jobs:
        document = jobs.cancel(job)
    answer(document, shown_job(document), json=answering.json)
