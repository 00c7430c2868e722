"""Whether jobs get on."""

from __future__ import annotations

from importlib.metadata import version

from voxlake.api.checks.outcome import Outcome
from voxlake.platform.database import Database
from voxlake.platform.jobs.record import JobState
from voxlake.platform.jobs.runners import TROUBLED, Runner, runners
from voxlake.platform.jobs.standing import Standing, standing
from voxlake.platform.jobs.workers import WorkerRecord, list_workers

WAITED_S = 3600.0
"""Seconds that a job may wait for a worker, before somebody should look at why."""


def look_at_jobs(database: Database) -> Outcome:
    """Look at how the jobs of a lake stand."""
    return outcome_of(standing(database), runners(database))


def outcome_of(found: Standing, at_work: list[Runner]) -> Outcome:
    """Return what is to be said of jobs."""
    lost = [runner for runner in at_work if not runner.lives]
    troubled = {state: found.jobs[state] for state in TROUBLED if found.jobs[state]}
    told = ", ".join(f"{count} {state}" for state, count in found.jobs.items() if count) or "none"
    advice = []
    if lost:
        told += f"; the runner of {', '.join(each.job for each in lost)} is gone"
        advice.append("start a worker, which takes up what was left: voxlake worker")
    if found.waited_s > WAITED_S:
        told += f"; the oldest waits for {found.waited_s / 3600:.1f} h"
        advice.append("no worker runs, or all are busy: start one with voxlake worker")
    if troubled:
        advice.append("see why: voxlake jobs; go on with: voxlake jobs resume JOB, or cancel it")
    return "warn" if advice else "ok", told, "; ".join(advice) or None


def look_at_workers(database: Database) -> Outcome:
    """Look at who takes queued jobs."""
    return of_workers(standing(database), list_workers(database))


def of_workers(found: Standing, workers: list[WorkerRecord]) -> Outcome:
    """Return what is to be said of workers."""
    living = [worker for worker in workers if worker.lives]
    told = f"{len(living)} live, of {len(workers)} of the last day"
    if found.jobs[JobState.QUEUED] and not living:
        return "warn", f"{told}, and jobs are queued", "start one: voxlake worker"
    here = version("voxlake")
    if others := sorted({each.version for each in living} - {here}):
        return (
            "warn",
            f"{told}; voxlake is {here} here and {', '.join(others)} there",
            "upgrade all",
        )
    return "ok", told, None
