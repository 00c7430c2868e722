"""Which process runs a job, and whether it is still alive."""

from __future__ import annotations

import os
import socket
import uuid
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from voxlake.platform.database import now
from voxlake.platform.jobs.record import JobState

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Row

    from voxlake.platform.jobs.record import Job

    type Leased = Job | Row[tuple[Any, ...]]

_CLOCK_SLACK_S = 2.0
"""A process's start time moves by this much at most when the machine's clock is set right."""


@cache
def this_machine() -> str:
    """Return what two processes have in common if, and only if, they see each other's pids.

    On Linux that is the boot and the pid namespace: containers have one each.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return f"{socket.gethostname()}/{uuid.getnode():x}"


def this_process() -> dict[str, str | int | float]:
    """Return this process as a runner, by the names of a job's columns."""
    return {
        "host": socket.gethostname(),  # for people: containers and laptops may share one
        "machine": this_machine(),
        "pid": os.getpid(),
        "pid_started": psutil.Process().create_time(),
    }


def is_held(job: Leased, moment: datetime) -> bool:
    """Return whether a runner has the job at `moment`: its lease lasts and it is not known dead.

    A process of this machine that is gone is seen at once; one of another machine, when its
    lease ends.
    """
    if job.state != JobState.RUNNING or job.lease_until is None or job.lease_until <= moment:
        return False
    return job.machine != this_machine() or _is_alive(job)


def is_running(job: Leased) -> bool:
    """Return whether a runner has the job, by this machine's clock: for people to read."""
    return is_held(job, now())


def _is_alive(job: Leased) -> bool:
    try:
        process = psutil.Process(job.pid or 0)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return abs(process.create_time() - (job.pid_started or 0)) <= _CLOCK_SLACK_S
    except psutil.NoSuchProcess:
        return False
