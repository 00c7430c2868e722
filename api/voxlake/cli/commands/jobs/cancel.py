"""``voxlake jobs cancel``: give a job up."""

from __future__ import annotations

from voxlake.cli.commands.jobs.jobs import JobId
from voxlake.cli.options import Answering, InLake, OnCluster
from voxlake.cli.shown.job import shown_job
from voxlake.cli.shown.output import answer
from voxlake.cli.workspace import opened_workspace
from voxlake.compute.jobs.cancelling import cancel_job
from voxlake.documents.job import job_document


def cancel(job: JobId, /, *, lake: InLake = InLake(), answering: Answering = Answering()) -> None:
    """Give a job up, and remove what an unfinished ingest has written.

    A job that runs is cancelled by its runner, within seconds.
    """
    with opened_workspace(lake, OnCluster()) as workspace:
        cancelled = cancel_job(workspace, job)
        document = job_document(workspace.catalog.ledger, cancelled)
    answer(document, shown_job(document), json=answering.json)
