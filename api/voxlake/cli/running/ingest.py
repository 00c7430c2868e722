"""A source is ingested, and the labels inside it if they are asked for."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from voxlake.cli.opened.labels_inside import labels_left_out
from voxlake.cli.opened.workspace import opened_workspace
from voxlake.cli.running.request import ingest_request
from voxlake.cli.shown.job import shown_run
from voxlake.cli.shown.output import answer, note
from voxlake.cli.work import run, run_or_queue
from voxlake.compute.jobs import start_ingest
from voxlake.compute.jobs.kinds.ingest_spec import IngestSpec
from voxlake.compute.jobs.with_labels import check_together, labels_requests
from voxlake.compute.sources import opening_once
from voxlake.documents.jobs.job import JobsRun
from voxlake.platform.errors import InvalidInputError
from voxlake.platform.jobs.record import JobState

if TYPE_CHECKING:
    from voxlake.cli.ingest_options import AsDataset
    from voxlake.cli.options import Answering, InLake, Running
    from voxlake.compute.jobs import IngestRequest, Workspace
    from voxlake.platform.jobs.record import Job


def ingest_source(
    source: str,
    name: str,
    target: AsDataset,
    lake: InLake,
    cluster: Running,
    answering: Answering,
) -> int:
    """Make a source a dataset, and return the exit code."""
    request = replace(ingest_request(source, name, target.kind, target), overwrite=target.overwrite)
    with opening_once():
        request.open()  # So that a mistyped source makes no lake.
        if target.with_labels:
            return _ingest_with_labels(request, target, lake, cluster, answering)
        with opened_workspace(lake, cluster, make=True) as workspace:
            job = start(workspace, request)
            for words in labels_left_out(request):
                note(words)
            return run_or_queue(workspace, job, cluster, answering)


def _ingest_with_labels(
    image: IngestRequest, target: AsDataset, lake: InLake, cluster: Running, answering: Answering
) -> int:
    """Run the job of an image, and then those of the labels inside its source."""
    if cluster.queue:
        raise InvalidInputError(
            "--queue and --with-labels were given, and labels wait for their image; leave --queue "
            "out, or queue the image, and its labels once it is there: voxlake ingest "
            f"{image.source}::labels/NAME ... --kind labels --of {image.place.name}"
        )
    requests = labels_requests(image, index=target.index)
    with opened_workspace(lake, cluster, make=True) as workspace:
        left = check_together(workspace, image, requests)
        jobs = tuple(run(workspace, start(workspace, request)) for request in left)
    answer(JobsRun(jobs=jobs), chain.from_iterable(map(shown_run, jobs)), json=answering.json)
    return 0


def start(workspace: Workspace, request: IngestRequest) -> Job:
    """Record the job of a request, or find the one that is to do it, and tell what it reads."""
    job = start_ingest(workspace, request)
    note(f"{request.source}: {IngestSpec.model_validate(job.spec).preview()}")
    if job.state != JobState.QUEUED:
        note(f"{request.place.name} was begun before; job {job.id} goes on")
    return job
