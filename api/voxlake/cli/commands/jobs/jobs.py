"""``voxlake jobs``: what runs, what ran, and what is to go on."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from voxlake.cli.opened.jobs import AtJobs, opened_jobs
from voxlake.cli.options import Answering
from voxlake.cli.shown.job import shown_job, shown_jobs, shown_log
from voxlake.cli.shown.output import answer

jobs = App(
    name="jobs",
    help="Jobs: list them, look at one, resume or cancel it.\n\n"
    "Those of a lake, or with --gateway URL those of a gateway, whose workers run them.",
)
# Those that work on a job load much that those who look at jobs do without.
jobs.command(
    "voxlake.cli.commands.jobs.watch:watch",
    help="Tell on stderr how far a job is, until nobody works on it.",
)
jobs.command(
    "voxlake.cli.commands.jobs.resume:resume",
    help="Go on with a job that was killed or failed; what is done is not done again.",
)
jobs.command(
    "voxlake.cli.commands.jobs.cancel:cancel",
    help="Give a job up, and remove what an unfinished ingest has written.\n\n"
    "A job that runs is cancelled by its runner, within seconds.",
)
jobs.command(
    "voxlake.cli.commands.jobs.start:look",
    help="Tell what lies where a gateway reads sources, before an ingest of it is planned.",
)
jobs.command(
    "voxlake.cli.commands.jobs.start:plan",
    help="Tell what a job of a gateway would do and take; nothing of it is begun.",
)
jobs.command(
    "voxlake.cli.commands.jobs.start:start",
    help="Start a job at a gateway, whose workers run it.",
)

type JobId = Annotated[str, Parameter(name="JOB", help="Its id.")]


@jobs.default
@jobs.command(name="ls")
def ls(*, whose: AtJobs = AtJobs(), answering: Answering = Answering()) -> None:
    """List the jobs of a lake or of a gateway, newest first."""
    with opened_jobs(whose) as jobs:
        document = jobs.list()
    answer(document, shown_jobs(document), json=answering.json)


@jobs.command
def show(job: JobId, /, *, whose: AtJobs = AtJobs(), answering: Answering = Answering()) -> None:
    """Show how far a job is, and which of its tasks failed."""
    with opened_jobs(whose) as jobs:
        document = jobs.get(job)
    answer(document, shown_job(document), json=answering.json)


@jobs.command
def log(job: JobId, /, *, whose: AtJobs = AtJobs(), answering: Answering = Answering()) -> None:
    """Show the tracebacks of the tasks that failed and have not been done since."""
    with opened_jobs(whose) as jobs:
        document = jobs.log(job)
    answer(document, shown_log(document), json=answering.json)
