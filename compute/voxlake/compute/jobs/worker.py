"""Work off the queue: take the job that has waited longest, run it, take the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxlake.compute.jobs.events import silent
from voxlake.compute.jobs.running import run_claimed
from voxlake.platform.errors import ConflictError, StoreUnavailableError
from voxlake.platform.jobs import LEASE_S

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

    from voxlake.compute.jobs.workspace import Workspace
    from voxlake.platform.jobs import Claim, Job

    type Tell = Callable[[Job, Exception | None], None]
    """Called when a job begins (queued, no error) and when it has ended or was handed back."""


@dataclass(frozen=True, slots=True)
class Shift:
    """How long a worker works."""

    jobs: int | None = None
    """It ends after so many jobs; None: never for that."""
    until_idle: bool = False
    """Whether it ends when no job waits."""
    poll_s: float = 2.0
    """Seconds between two looks at an empty queue."""
    lease_s: float = LEASE_S
    """Seconds after which others take this worker's job if they do not hear of it."""


def work_off(workspace: Workspace, shift: Shift, stop: Event, tell: Tell) -> int:
    """Run queued jobs, one after another, until the shift or `stop` ends; return how many.

    When `stop` is set, the tasks in flight are finished and the job goes back to the queue. A job
    that fails is told and does not end the shift; nor does a database that is away for a while.

    Raises
    ------
    StoreError
        If the catalog fails in a way that waiting does not mend.
    """
    ran = 0
    while not stop.is_set() and ran != shift.jobs:
        claim = _next(workspace, shift)
        if claim is not None:
            ran += 1
            if _run_one(workspace, claim, stop, tell):
                continue
        elif shift.until_idle:
            break
        stop.wait(shift.poll_s)
    return ran


def _next(workspace: Workspace, shift: Shift) -> Claim | None:
    try:
        return workspace.catalog.ledger.claim_oldest(lease_s=shift.lease_s)
    except ConflictError:  # Another worker was faster; there may be other jobs.
        return None
    except StoreUnavailableError:
        if shift.until_idle:
            raise
        return None


def _run_one(workspace: Workspace, claim: Claim, stop: Event, tell: Tell) -> bool:
    """Run the job and return whether that went well."""
    ledger = workspace.catalog.ledger
    tell(ledger.get_job(claim.job), None)
    try:
        run_claimed(workspace, claim, silent, stop)
    except Exception as error:  # noqa: BLE001  (a job's failure is told, whatever it is)
        tell(ledger.get_job(claim.job), error)
        return False
    tell(ledger.get_job(claim.job), None)
    return True
