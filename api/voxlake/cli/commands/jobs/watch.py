"""``voxlake jobs watch``: how far a job is, until nobody works on it."""

from __future__ import annotations

from voxlake.cli.commands.jobs.jobs import JobId
from voxlake.cli.manual.exit_codes import PARTIAL
from voxlake.cli.opened.jobs import AtJobs, opened_jobs
from voxlake.cli.options import Answering
from voxlake.cli.shown.job import shown_job
from voxlake.cli.shown.output import answer
from voxlake.client.jobs import ProgressLine
from voxlake.platform.jobs.record import JobState


def watch(job: JobId, /, *, whose: AtJobs = AtJobs(), answering: Answering = Answering()) -> int:
    """Tell on stderr how far a job is, until nobody works on it.

    Ends with exit code 5 if it is not done then. Ctrl-C stops watching alone: the job goes on.
    """
    tell = ProgressLine()
    with opened_jobs(whose) as jobs:
        for seen in jobs.events(job):
            tell(seen)
        document = jobs.get(job)
    answer(document, shown_job(document), json=answering.json)
    return 0 if document.state is JobState.DONE else PARTIAL
