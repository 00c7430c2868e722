"""Which process runs a job, and whether it is still alive."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Any

from voxlake.platform.database import now
from voxlake.platform.jobs.record import JobState
from voxlake.platform.processes import is_alive, started, this_machine

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Row

    from voxlake.platform.jobs.record import Job

    type Leased = Job | Row[tuple[Any, ...]]


def this_process() -> dict[str, str | int | float]:
    """Return this process as a runner, by the names of a job's columns."""
    return {
        "host": socket.gethostname(),  # for people: containers and laptops may share one
        "machine": this_machine(),
        "pid": os.getpid(),
        "pid_started": started(),
    }


def is_held(job: Leased, moment: datetime) -> bool:
    """Return whether a runner has the job at `moment`: its lease lasts and it is not known dead.

    A process of this machine that is gone is seen at once; one of another machine, when its
    lease ends.
    """
    if job.state != JobState.RUNNING or job.lease_until is None or job.lease_until <= moment:
        return False
    if job.machine != this_machine():
        return True
    return is_alive(job.pid or 0, job.pid_started or 0)


def is_running(job: Leased) -> bool:
    """Return whether a runner has the job, by this machine's clock: for people to read."""
    return is_held(job, now())
