"""Work off the queue: take the job whose turn it is, run it, take the next."""

from __future__ import annotations

import math
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from voxlake.compute.jobs.events import silent
from voxlake.compute.jobs.following import queue_stale
from voxlake.compute.jobs.pruning import prune
from voxlake.compute.jobs.running import run_claimed
from voxlake.compute.jobs.saving import Saver
from voxlake.platform.errors import (
    ConflictError,
    CorruptDataError,
    NotFoundError,
    StoreError,
    StoreUnavailableError,
)
from voxlake.platform.jobs.workers import TELL_S, Presence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from threading import Event

    from voxlake.compute.jobs.workspace import Workspace
    from voxlake.platform.jobs.record import Claim, Job

    type WorkedOn = tuple[Job, bool, Exception | None]
    """A job, whether it begins just now, and what it failed by."""

PRUNE_S = 3600.0
"""Seconds between two looks at what the catalog need not keep any more."""
AWAY_S = 0.5
"""Seconds between two looks at a catalog that is away."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a worker looks, in seconds."""

    poll_s: float
    """Between two looks at an empty queue."""
    lease_s: float
    """After which others take its job if they do not hear of it."""
    follow_s: float | None = None
    """Between two looks at which datasets have levels that are behind level 0, for jobs that build
    them to be queued; None: that is not looked at."""
    save_s: float | None = None
    """Between two looks whether what people say of places is saved on the store; None: none."""


def work_off(
    workspace: Workspace,
    stop: Event,
    *,
    jobs: int | None,
    until_idle: bool,
    pace: Pace,
) -> Iterator[WorkedOn]:
    """Run queued jobs, one after another; yield each when it begins, and when it is out of hand.

    When `stop` is set, the tasks in flight are finished and the job goes back to the queue. A job
    that fails does not end the work; nor does a database that is away for a while.

    Parameters
    ----------
    jobs
        Ends after so many jobs; None: never for that.
    until_idle
        Whether it ends when no job waits.
    pace
        When it looks for what.

    Raises
    ------
    StoreError
        If the catalog fails in a way that waiting does not mend.
    """
    ran, ledger = 0, workspace.catalog.ledger
    presence = Presence(workspace.catalog.database)
    chores = [_Chore(presence.tell, TELL_S), *_chores(workspace, pace)]
    while not stop.is_set() and ran != jobs:
        for chore in chores:
            chore.do()
        claim = _next(workspace, pace.lease_s, until_idle=until_idle)
        if claim is not None:
            ran += 1
            presence.tell(claim.job)
            yield patiently(partial(ledger.get_job, claim.job), stop), True, None
            error = _run(workspace, claim, stop)
            presence.tell()
            yield patiently(partial(ledger.get_job, claim.job), stop), False, error
            if error is None:
                continue
        elif until_idle:
            break
        stop.wait(pace.poll_s)
    presence.end()


@dataclass(slots=True)
class _Chore:
    """What a worker does now and then between two jobs."""

    look: Callable[[], object]
    every_s: float
    _at: float = field(default_factory=time.monotonic)

    def do(self) -> None:
        """Look, if it is time."""
        if time.monotonic() >= self._at:
            self._at = time.monotonic() + self.every_s
            with suppress(StoreError, ConflictError, CorruptDataError, NotFoundError):
                # The next look will do.
                self.look()


def _chores(workspace: Workspace, pace: Pace) -> list[_Chore]:
    looks: list[tuple[Callable[[], object], float | None]] = [
        (partial(prune, workspace), PRUNE_S),
        (partial(queue_stale, workspace), pace.follow_s),
        (Saver(workspace).look, pace.save_s),
    ]
    return [_Chore(look, every_s) for look, every_s in looks if every_s is not None]


def _next(workspace: Workspace, lease_s: float, *, until_idle: bool) -> Claim | None:
    try:
        return workspace.catalog.ledger.claim_oldest(lease_s=lease_s)
    except ConflictError:  # Another worker was faster; there may be other jobs.
        return None
    except StoreUnavailableError:
        if until_idle:
            raise
        return None


def patiently[T](ask: Callable[[], T], stop: Event, most_s: float = math.inf) -> T:
    """Return the answer of `ask`, waiting for a catalog that is away until `stop` is set.

    Raises
    ------
    StoreUnavailableError
        If it is away for more than `most_s` seconds.
    """
    began = time.monotonic()
    while True:
        try:
            return ask()
        except StoreUnavailableError:
            if time.monotonic() - began > most_s or stop.wait(AWAY_S):
                raise


def _run(workspace: Workspace, claim: Claim, stop: Event) -> Exception | None:
    """Run the job, and return what it failed by."""
    try:
        run_claimed(workspace, claim, silent, stop)
    except Exception as error:  # noqa: BLE001  (a job's failure is told, whatever it is)
        return error
    return None
