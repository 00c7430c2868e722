"""Run the job of a command and report on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from rich.console import RenderableType

from voxlake.cli.job_documents import job_document, shown_job
from voxlake.cli.options import Answering, Running
from voxlake.cli.shown.output import Document, answer, facts, rate, table
from voxlake.cli.shown.problem import PARTIAL, Interrupted
from voxlake.platform.errors import CorruptDataError, NotFoundError, UnsupportedError

if TYPE_CHECKING:
    from voxlake.compute.jobs import JobSummary, Report, Workspace
    from voxlake.platform.catalog import Catalog
    from voxlake.platform.jobs import Job


class StageReport(Document):
    """One stage of a job, as it went."""

    stage: str
    tasks: int
    ran: int
    """Tasks that this run did; the others were done before."""
    voxels: int
    seconds: float


class Difference(Document):
    """A shard that is not what it must be."""

    shard: str
    different: int
    """Voxels that differ."""
    note: str | None = None


class JobReport(Document):
    """A job that ended, as it went."""

    job: str
    kind: str
    dataset: str
    state: str
    seconds: float
    voxels: int
    """Voxels that this run wrote or compared, at all levels."""
    tasks: int
    itemsize: int
    """Bytes of a voxel."""
    stages: tuple[StageReport, ...]
    verified: bool | None = None
    """Of a verify job: whether no voxel differs."""
    differences: tuple[Difference, ...] = ()

    @property
    def exit_code(self) -> int:
        """0, or that of a job that found differences."""
        return PARTIAL if self.differences else 0


def run(workspace: Workspace, job: Job) -> JobReport:
    """Run a job that was just recorded, with progress on stderr."""
    from voxlake.compute.jobs import run_job

    return _worked(workspace, job, lambda report: run_job(workspace, job, report))


def resume(workspace: Workspace, job: Job) -> JobReport:
    """Go on with a job, with progress on stderr."""
    from voxlake.compute.jobs import resume_job

    return _worked(workspace, job, lambda report: resume_job(workspace, job.id, report))


def run_quietly(workspace: Workspace, job: Job) -> JobSummary:
    """Run a job that was just recorded, with progress on stderr, for a command's own report."""
    from voxlake.compute.jobs import run_job

    return _summary(workspace, job, lambda report: run_job(workspace, job, report))


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


def show_job(report: JobReport, *, json: bool) -> int:
    """Print the report and return the exit code."""
    answer(report, _shown(report), json=json)
    return report.exit_code


def _worked(workspace: Workspace, job: Job, work: Callable[[Report], JobSummary]) -> JobReport:
    summary = _summary(workspace, job, work)
    return _report(job, summary, _itemsize(workspace, job), _found(workspace, job))


def _summary(workspace: Workspace, job: Job, work: Callable[[Report], JobSummary]) -> JobSummary:
    from voxlake.cli.shown.progress import progress

    try:
        with progress(_itemsize(workspace, job)) as report:
            return work(report)
    except KeyboardInterrupt as error:
        stopped = Interrupted(f"job {job.id} was interrupted; what is done stays done")
        stopped.add_note(f"go on with: voxlake jobs resume {job.id}")
        stopped.add_note(f"or take it back: voxlake jobs cancel {job.id}")
        raise stopped from error


def _found(workspace: Workspace, job: Job) -> tuple[Difference, ...]:
    """Return what an fsck job has found, which is resumed like any other."""
    from voxlake.compute.jobs import findings

    if job.kind != "fsck":
        return ()
    return tuple(
        Difference(shard=finding.where, different=0, note=f"{finding.check}: {finding.text}")
        for finding in findings(workspace, job)
        if finding.is_fault
    )


def _report(
    job: Job, summary: JobSummary, itemsize: int, found: tuple[Difference, ...]
) -> JobReport:
    return JobReport(
        job=job.id,
        kind=job.kind,
        dataset=summary.dataset,
        state="done",
        seconds=summary.seconds,
        voxels=summary.voxels,
        tasks=summary.tasks,
        itemsize=itemsize,
        stages=tuple(
            StageReport(
                stage=stage.stage,
                tasks=stage.tasks,
                ran=stage.ran,
                voxels=stage.voxels,
                seconds=stage.seconds,
            )
            for stage in summary.stages
        ),
        verified=not summary.differences if job.kind == "verify" else None,
        differences=found
        or tuple(Difference.model_validate(differing) for differing in summary.differences),
    )


def _shown(report: JobReport) -> Iterable[RenderableType]:
    if report.verified is not None:
        yield facts([(report.dataset, "verified" if report.verified else "differs")])
    yield table(
        ("stage", "tasks#", "done now#", "voxels#", "seconds#", "rate#"),
        (
            (
                stage.stage,
                stage.tasks,
                stage.ran,
                stage.voxels,
                f"{stage.seconds:.1f}",
                rate(stage.voxels, report.itemsize, stage.seconds) if stage.voxels else "",
            )
            for stage in report.stages
        ),
    )
    if report.differences:
        yield table(
            ("shard that differs", "voxels#", "note"),
            ((found.shard, found.different, found.note) for found in report.differences),
        )


def _itemsize(workspace: Workspace, job: Job) -> int:
    """Return the bytes of a voxel of the job's dataset, which an ingest has yet to make."""
    from voxlake.compute.jobs.spec import IngestSpec, spec_of
    from voxlake.compute.sources import open_source
    from voxlake.ngff.grid.layout import check_dtype

    spec = spec_of(job)
    if isinstance(spec, IngestSpec):
        return check_dtype(spec.kind_of_dataset, open_source(spec.source).dtype).itemsize
    try:
        return workspace.dataset(spec.place).level(0).dtype.itemsize
    except (NotFoundError, UnsupportedError, CorruptDataError):
        return 1  # which only the rate tells; fsck looks at what cannot be opened, too
