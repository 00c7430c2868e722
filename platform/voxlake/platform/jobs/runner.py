"""Which process runs a job, and whether it is still alive."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, NamedTuple

import psutil

from voxlake.platform.jobs.record import JobState

if TYPE_CHECKING:
    from voxlake.platform.jobs.record import Job

_CLOCK_SLACK_S = 2.0
"""A process's start time moves by this much at most when the machine's clock is set right."""


class Runner(NamedTuple):
    """A process of a machine."""

    host: str
    pid: int
    pid_started: float


def this_process() -> Runner:
    """Return this process as a runner."""
    return Runner(socket.gethostname(), os.getpid(), psutil.Process().create_time())


def is_running(job: Job) -> bool:
    """Return whether the job is marked as running and its runner is alive on this machine.

    A runner on another machine cannot be seen from here and counts as not running;
    `Ledger.claim` refuses such a job unless told to take it over.
    """
    if job.state != JobState.RUNNING or job.host != socket.gethostname() or job.pid is None:
        return False
    try:
        process = psutil.Process(job.pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return abs(process.create_time() - (job.pid_started or 0)) <= _CLOCK_SLACK_S
    except psutil.NoSuchProcess:
        return False
