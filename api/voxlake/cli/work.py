"""Run the job of a command and report on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.cli.manual.exit_codes import PARTIAL
from voxlake.cli.options import Answering, Running
from voxlake.cli.shown.job import shown_job, shown_run
from voxlake.cli.shown.output import answer
from voxlake.cli.shown.problem import Interrupted
from voxlake.cli.shown.progress import progress
from voxlake.compute.fsck.finding import finding_document
from voxlake.compute.jobs import findings, run_job
from voxlake.compute.jobs.kinds.verify import VERIFY
from voxlake.documents.jobs.fsck import ADVICE
from voxlake.documents.jobs.job import DifferenceDocument, JobDocument, RunDocument, job_document

if TYPE_CHECKING:
    from collections.abc import Iterable

    from voxlake.compute.fsck.finding import Finding
    from voxlake.compute.jobs import JobSummary, Workspace
    from voxlake.documents.jobs.fsck import FindingDocument
    from voxlake.documents.places.deleted import PurgedDocument
    from voxlake.platform.catalog import Catalog
    from voxlake.platform.jobs.record import Job
    from voxlake.platform.names import DatasetName


def run(workspace: Workspace, job: Job) -> JobDocument:
    """Run a job, or go on with it, with progress on stderr; return how it went, to be shown."""
    summary = run_quietly(workspace, job)
    ledger = workspace.catalog.ledger
    document = job_document(ledger, ledger.get_job(job.id))
    runs = {
        each.stage: RunDocument(tasks=each.ran, voxels=each.voxels, seconds=each.seconds)
        for each in summary.stages
    }
    return document.model_copy(
        update={
            "stages": tuple(
                stage.model_copy(update={"run": runs.get(stage.name)}) for stage in document.stages
            ),
            "run": RunDocument.model_validate(summary),
            "itemsize": summary.itemsize,
            "verified": not summary.differences if job.kind == VERIFY.name else None,
            "differences": tuple(map(DifferenceDocument.model_validate, summary.differences)),
            "findings": finding_documents(workspace, job.dataset, findings(workspace, job)),
        }
    )


def purged_by(workspace: Workspace, job: str) -> tuple[PurgedDocument, ...]:
    """Return what a job has deleted for good."""
    ledger = workspace.catalog.ledger
    return job_document(ledger, ledger.get_job(job)).purged


def run_quietly(workspace: Workspace, job: Job) -> JobSummary:
    """Run a job, or go on with it, with progress on stderr, for a command's own report."""
    try:
        with progress() as report:
            return run_job(workspace, job, report)
    except KeyboardInterrupt as error:
        stopped = Interrupted(f"job {job.id} was interrupted; what is done stays done")
        stopped.add_note(f"go on with: voxlake jobs resume {job.id}")
        stopped.add_note(f"or take it back: voxlake jobs cancel {job.id}")
        raise stopped from error


def run_or_queue(workspace: Workspace, job: Job, cluster: Running, answering: Answering) -> int:
    """Run a job that was just recorded, or leave it to a worker; print it, return the exit code."""
    if not cluster.queue:
        return show_job(run(workspace, job), json=answering.json)
    return queue(workspace.catalog, job, answering)


def queue(catalog: Catalog, job: Job, answering: Answering) -> int:
    """Leave a job to a worker, and print it."""
    document = job_document(catalog.ledger, catalog.ledger.enqueue(job.id))
    answer(document, shown_job(document), json=answering.json)
    return 0


def show_job(job: JobDocument, *, json: bool) -> int:
    """Print a job that was run; return 0, or the exit code of one that found something wrong."""
    answer(job, shown_run(job), json=json)
    faults = any(finding.check != ADVICE for finding in job.findings)
    return PARTIAL if job.differences or faults else 0


def finding_documents(
    workspace: Workspace,
    dataset: DatasetName,
    findings: Iterable[Finding],
    *,
    mended: bool = False,
) -> tuple[FindingDocument, ...]:
    """Return what fsck found in a dataset, as documents."""
    seen = tuple(findings)
    axes: tuple[str, ...] = ()
    if any(finding.box for finding in seen):
        axes = workspace.dataset(workspace.place(dataset)).multiscale.axis_names
    return tuple(finding_document(finding, axes, mended=mended) for finding in seen)
