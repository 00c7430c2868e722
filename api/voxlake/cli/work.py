"""Run the job of a command and report on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from rich.console import RenderableType

from voxlake.cli.output import Document, answer, facts, rate, table
from voxlake.cli.problem import PARTIAL, Interrupted

if TYPE_CHECKING:
    from voxlake.compute.jobs import JobSummary, Report, Workspace
    from voxlake.platform.jobs import Job


class StageReport(Document):
    """One stage of a job, as it went."""

    stage: str
    tasks: int
    ran: int
    """Shards that this run did; the others were done before."""
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
    shards: int
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


def show_job(report: JobReport, *, json: bool) -> int:
    """Print the report and return the exit code."""
    answer(report, _shown(report), json=json)
    return report.exit_code


def _worked(workspace: Workspace, job: Job, work: Callable[[Report], JobSummary]) -> JobReport:
    from voxlake.cli.progress import progress

    itemsize = _itemsize(workspace, job)
    try:
        with progress(itemsize) as report:
            summary = work(report)
    except KeyboardInterrupt as error:
        stopped = Interrupted(f"job {job.id} was interrupted; what is done stays done")
        stopped.add_note(f"go on with: voxlake jobs resume {job.id}")
        stopped.add_note(f"or take it back: voxlake jobs cancel {job.id}")
        raise stopped from error
    return _report(job, summary, itemsize)


def _report(job: Job, summary: JobSummary, itemsize: int) -> JobReport:
    return JobReport(
        job=job.id,
        kind=job.kind,
        dataset=summary.dataset,
        state="done",
        seconds=summary.seconds,
        voxels=summary.voxels,
        shards=summary.shards,
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
        differences=tuple(Difference.model_validate(found) for found in summary.differences),
    )


def _shown(report: JobReport) -> Iterable[RenderableType]:
    if report.verified is not None:
        yield facts([(report.dataset, "verified" if report.verified else "differs")])
    yield table(
        ("stage", "shards#", "done now#", "voxels#", "seconds#", "rate#"),
        (
            (
                stage.stage,
                stage.tasks,
                stage.ran,
                stage.voxels,
                f"{stage.seconds:.1f}",
                rate(stage.voxels, report.itemsize, stage.seconds),
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
    from voxlake.ngff.layout import check_dtype

    spec = spec_of(job)
    if isinstance(spec, IngestSpec):
        return check_dtype(spec.kind_of_dataset, open_source(spec.source).dtype).itemsize
    return workspace.dataset(spec.place).level(0).dtype.itemsize
