"""Whether jobs get on."""

from __future__ import annotations

from voxlake.api.checks.outcome import Outcome
from voxlake.platform.database import Database
from voxlake.platform.jobs.runners import TROUBLED, Runner, runners
from voxlake.platform.jobs.standing import Standing, standing

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
