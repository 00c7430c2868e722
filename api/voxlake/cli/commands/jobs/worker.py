"""``voxlake worker``: runs the jobs that others queue."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event
from typing import Annotated

from cyclopts import Parameter, validators

from voxlake.cli.options import Answering, Flag, InLake, OnCluster, Whole
from voxlake.cli.shown.output import answer, facts, note
from voxlake.cli.shown.problem import PARTIAL
from voxlake.cli.workspace import opened_workspace
from voxlake.compute.jobs.worker import Shift, work_off
from voxlake.documents.job import WorkerDocument
from voxlake.platform.jobs import LEASE_S, Job, JobState


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class OnShift:
    """How long the worker works."""

    once: Annotated[Flag, Parameter(help="End when no job is queued.")] = False
    jobs: Annotated[
        Whole | None,
        Parameter(metavar="N", help="End after so many jobs.", validator=validators.Number(gte=1)),
    ] = None
    poll: Annotated[
        float,
        Parameter(
            metavar="S",
            help="Look for jobs every S seconds.",
            validator=validators.Number(gte=0.05),
        ),
    ] = 2.0
    lease: Annotated[
        float,
        Parameter(
            metavar="S",
            help="Others take over this worker's job S seconds after its last sign of life.",
            validator=validators.Number(gte=1),
        ),
    ] = LEASE_S


@dataclass(slots=True)
class _Log:
    """Notes on stderr of jobs that begin and end."""

    ended: Counter[str] = field(default_factory=Counter)
    _begun: str = ""

    def __call__(self, job: Job, error: Exception | None) -> None:
        what = f"job {job.id} ({job.kind} {job.dataset})"
        if self._begun != job.id and error is None:
            self._begun = job.id
            note(f"{what} begins")
            return
        self._begun = ""
        self.ended[job.state] += 1
        note(f"{what}: {job.state}{f', {error}' if error else ''}")


def worker(
    *,
    lake: InLake = InLake(),
    cluster: OnCluster = OnCluster(),
    shift: OnShift = OnShift(),
    answering: Answering = Answering(),
) -> int:
    """Run queued jobs, oldest first, for as long as it lives.

    Any number of workers may share a queue, on any machines. SIGTERM and Ctrl-C let the tasks in
    flight finish and hand the job back.
    """
    times = Shift(shift.jobs, shift.once, shift.poll, shift.lease)
    log = _Log()
    with opened_workspace(lake, cluster) as workspace, _stoppable() as stop:
        ran = work_off(workspace, times, stop, log)
    report = WorkerDocument(jobs=ran, ended=dict(log.ended))
    answer(report, [facts([("jobs", ran), *log.ended.items()])], json=answering.json)
    bad = log.ended[JobState.FAILED] + log.ended[JobState.DEGRADED]
    return PARTIAL if shift.once and bad else 0


@contextmanager
def _stoppable() -> Iterator[Event]:
    """Yield what SIGTERM and Ctrl-C set; a second one ends the process as usual."""
    stop = Event()

    def ask(number: int, _frame: object) -> None:
        stop.set()
        signal.signal(number, before[signal.Signals(number)])

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    for number in before:
        signal.signal(number, ask)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
