"""Jobs, as people see them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from rich.text import Text

from voxlake.cli.shown.fsck import shown_findings
from voxlake.cli.shown.output import Shown, facts, rate, size, table
from voxlake.cli.shown.plan import shown_plan
from voxlake.platform.jobs.record import JobState

if TYPE_CHECKING:
    from voxlake.documents.jobs.job import ImportRun, JobDocument, JobList, JobLog, StageDocument
    from voxlake.documents.jobs.job_plan import JobPlan


def shown_jobs(listed: JobList) -> Shown:
    """Yield a table of jobs."""
    rows = (
        (
            job.id,
            job.kind,
            job.dataset,
            _state(job),
            _share(job),
            _duration(job.seconds_left),
            job.updated_at,
        )
        for job in listed.jobs
    )
    yield table(("job", "kind", "dataset", "state", "done#", "left#", "updated"), rows)


def shown_job(job: JobDocument) -> Shown:
    """Yield what people see of one job."""
    yield facts(
        (
            ("job", job.id),
            ("kind", job.kind),
            ("dataset", job.dataset),
            ("state", _state(job)),
            ("message", job.message),
            ("created", job.created_at),
            ("updated", job.updated_at),
            ("process", f"{job.pid} on {job.host}" if job.pid else None),
            ("dashboard", job.dashboard),
        )
    )
    yield table(
        ("stage", "tasks#", "done#", "failed#", "voxels#", "rate#", "left#"),
        map(_stage, job.stages),
    )
    if job.failures:
        rows = ((each.stage, each.index, each.attempts, each.error) for each in job.failures)
        yield table(("failed in", "task#", "attempts#", "error~"), rows)


def shown_log(log: JobLog) -> Shown:
    """Yield what people see of tasks that failed: their tracebacks as they are."""
    if not log.failures:
        yield Text("no task has failed that has not been done since")
    for each in log.failures:
        yield facts([("failed in", each.stage), ("task", each.index), ("attempts", each.attempts)])
        yield Text(each.traceback)
    if log.more:
        yield Text(f"these are the first {len(log.failures)}; others failed, too")


def shown_job_plan(plan: JobPlan) -> Shown:
    """Yield what people see of what a job would do."""
    stored = None if plan.bytes is None else size(plan.bytes)
    yield facts(
        (
            ("job", f"{plan.kind} {plan.dataset}"),
            ("refused", plan.refused),
            ("shards", plan.shards),
            ("voxels", plan.voxels),
            ("bytes", stored),
            *(("warning", each) for each in plan.warnings),
        )
    )
    rows = ((each.name, each.tasks, each.voxels, size(each.memory_bytes)) for each in plan.stages)
    yield table(("stage", "tasks#", "voxels#", "memory#"), rows)
    if plan.forecast is not None:
        yield from shown_plan(plan.forecast)


def shown_import(done: ImportRun) -> Shown:
    """Yield what people see of an import."""
    if done.job is not None:
        yield from shown_run(done.job)
    if done.written:
        yield table(("written",), ((each,) for each in done.written))
    if done.left:
        yield table(("left out~",), ((each,) for each in done.left))
    if done.job is None and not done.written:
        yield Text("nothing is left to be copied")


def shown_run(job: JobDocument) -> Shown:
    """Yield what people see of a job that was just run."""
    ended = {None: job.state, True: "verified", False: "differs"}[job.verified]
    yield facts([(job.dataset, ended)])
    yield table(
        ("stage", "tasks#", "done now#", "voxels#", "seconds#", "rate#"),
        (_ran(stage, job.itemsize or 1) for stage in job.stages),
    )
    if job.differences:
        rows = ((each.shard, each.different, each.note) for each in job.differences)
        yield table(("shard that differs", "voxels#", "note~"), rows)
    yield from shown_findings(job.findings)


def _state(job: JobDocument) -> str:
    """Return the state: a job whose process died is "running" to the ledger."""
    if job.state != JobState.RUNNING:
        return job.state
    if not job.running:
        return f"interrupted on {job.host}"
    return "being cancelled" if job.cancelling else job.state


def _stage(stage: StageDocument) -> tuple[object, ...]:
    speed = f"{stage.voxels_per_s / 1e6:.2f} Mvoxels/s" if stage.voxels_per_s else None
    left = _duration(stage.seconds_left or None)
    return (stage.name, stage.tasks, stage.done, stage.failed, stage.voxels_done, speed, left)


def _ran(stage: StageDocument, itemsize: int) -> tuple[object, ...]:
    run = stage.run
    if run is None:
        return (stage.name, stage.tasks, 0, 0, None, None)
    speed = rate(run.voxels, itemsize, run.seconds) if run.voxels else ""
    return (stage.name, stage.tasks, run.tasks, run.voxels, f"{run.seconds:.1f}", speed)


def _duration(seconds: float | None) -> str | None:
    return None if seconds is None else f"{timedelta(seconds=round(seconds))}"


def _share(job: JobDocument) -> str:
    tasks = sum(stage.tasks for stage in job.stages)
    return f"{100 * sum(stage.done for stage in job.stages) // tasks} %" if tasks else ""
