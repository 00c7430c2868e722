"""What a running job writes to the ledger: results in batches, its lease, its progress.

A thread of its own does it, so that neither a slow database holds up tasks nor a long task the
lease. A process that is killed loses the results of its last `LINGER_S` seconds, `BATCH` at most:
those tasks are done again.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Self

from voxlake.platform.errors import StoreUnavailableError
from voxlake.platform.jobs.record import StageProgress

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from voxlake.compute.plan import Result
    from voxlake.platform.jobs.ledger import Ledger
    from voxlake.platform.jobs.record import JSON, Claim

LINGER_S = 0.05
"""Longest time that a result waits to be written with others."""

BATCH = 500
"""So many results are written without waiting for more."""

BEATS_PER_LEASE = 12
"""How often a lease is renewed before it would end."""

_RATE_BEATS = 12
"""Heartbeats over which the rate is taken."""


@dataclass(slots=True)
class StageTally:
    """How far the stage that runs is."""

    stage: str
    done: int
    voxels: int
    bytes: int
    failed: set[int] = field(default_factory=set)
    """Tasks that failed and have not been done since."""
    _past: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=_RATE_BEATS))

    def count(self, index: int, result: Result) -> None:
        """Take in a task that is done."""
        self.done += 1
        self.voxels += result.voxels
        self.bytes += result.bytes
        self.failed.discard(index)

    def progress(self, now: float | None) -> StageProgress:
        """Return how far it is; `now` (seconds of a clock) is None when it has ended."""
        rate = None
        if now is not None:
            self._past.append((now, self.done))
            began, before = self._past[0]
            rate = (self.done - before) / (now - began) if now > began else None
        return StageProgress(self.done, len(self.failed), self.voxels, self.bytes, rate)


class Recorder:
    """Writes what the runner of a job has to tell, and keeps its lease, for a ``with`` block.

    Parameters
    ----------
    ledger, claim
        Where it writes, and by what right.
    stop
        Set when the job is to stop: by whoever made the recorder, or here, when the job is to be
        cancelled.
    """

    def __init__(self, ledger: Ledger, claim: Claim, stop: Event) -> None:
        self.ledger, self.claim, self.stop = ledger, claim, stop
        self.cancelled = False
        self._tally: StageTally | None = None
        self._results: dict[int, Mapping[str, JSON]] = {}
        self._lock, self._pen = Lock(), Lock()
        self._closed = Event()
        self._error: Exception | None = None
        self._renewed = time.monotonic()
        self._thread = Thread(target=self._work, name=f"job {claim.job}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closed.set()
        self._thread.join()

    def begin(self, tally: StageTally) -> None:
        """Count for another stage from here on; all results of the one before are written."""
        self.flush()
        self._tally = tally
        self.patiently(lambda: self._tell(tally, time.monotonic()))

    def done(self, index: int, result: Result) -> None:
        """Take in the result of a task of the stage that began last."""
        tally = self._begun()
        with self._lock:
            self._results[index] = result.encode()
            tally.count(index, result)
            full = len(self._results) >= BATCH
        if full:
            self.flush()

    def failed(self, index: int, traceback: str, attempts: int) -> int:
        """Record that a task failed, so many times, and return how often it has."""
        tally = self._begun()
        tally.failed.add(index)
        self.flush()
        return self.patiently(
            lambda: self.ledger.record_failure(self.claim, tally.stage, index, traceback, attempts)
        )

    def end(self) -> None:
        """Write all that is left of the stage, and how far it came."""
        self.flush()
        if self._tally is not None:
            tally, self._tally = self._tally, None
            self.patiently(lambda: self._tell(tally, None))

    def flush(self) -> None:
        """Write every result that waits."""
        self.patiently(self._write)

    def patiently[T](self, ask: Callable[[], T]) -> T:
        """Return the answer of `ask`, waiting for a database that is away while the lease lasts.

        What it asks for may come to be twice.
        """
        began = time.monotonic()
        while True:
            try:
                return ask()
            except StoreUnavailableError:
                if self._is_lost() or time.monotonic() - began > self.claim.lease_s:
                    raise
                self.check()
                time.sleep(LINGER_S)

    def check(self) -> None:
        """Raise what keeps the job from going on: LeaseLostError, or an error of the database."""
        if self._error is not None:
            raise self._error

    def _work(self) -> None:
        beat_s = self.claim.lease_s / BEATS_PER_LEASE
        while not self._closed.wait(min(LINGER_S, beat_s / 4)):
            try:
                self._write()
                if time.monotonic() - self._renewed >= beat_s:
                    self._beat()
            except StoreUnavailableError as error:
                if self._is_lost():
                    self._error = error
            except Exception as error:  # noqa: BLE001  (raised where the job runs)
                self._error = error
            if self._error is not None:
                self.stop.set()
                return

    def _beat(self) -> None:
        began = time.monotonic()
        if self.ledger.renew(self.claim):
            self.cancelled = True
            self.stop.set()
        self._renewed = began
        tally = self._tally
        if tally is not None:
            self._tell(tally, began)

    def _tell(self, tally: StageTally, now: float | None) -> None:
        with self._pen:
            with self._lock:
                progress = tally.progress(now)
            self.ledger.set_progress(self.claim, tally.stage, progress)

    def _write(self) -> None:
        with self._pen:
            with self._lock:
                results, self._results = self._results, {}
            if not results:
                return
            try:
                self.ledger.record_done(self.claim, self._begun().stage, results)
            except BaseException:
                with self._lock:
                    self._results = results | self._results
                raise

    def _is_lost(self) -> bool:
        return time.monotonic() - self._renewed > self.claim.lease_s

    def _begun(self) -> StageTally:
        if self._tally is None:
            raise RuntimeError("no stage has begun")
        return self._tally
