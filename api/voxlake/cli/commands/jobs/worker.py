"""``voxlake worker``: runs the jobs that others queue."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from threading import Event
from typing import Annotated

from cyclopts import Parameter, validators

from voxlake.cli.interrupts import end_in_own_time
from voxlake.cli.loading import loading
from voxlake.cli.manual.exit_codes import PARTIAL
from voxlake.cli.options import Answering, Flag, InLake, OnCluster, Whole
from voxlake.cli.shown.output import answer, facts, note
from voxlake.documents.jobs.job import WorkerDocument
from voxlake.platform.jobs.leases import LEASE_S
from voxlake.platform.jobs.record import JobState


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
    follow: Annotated[
        float | None,
        Parameter(
            metavar="S",
            help="Every S seconds, queue a downsample of each dataset that was written to since.",
            validator=validators.Number(gte=1),
        ),
    ] = None
    save: Annotated[
        float,
        Parameter(
            metavar="S",
            help="Every S seconds between two jobs, save on the store what people say of places, "
            "if that has changed.",
            validator=validators.Number(gte=1),
        ),
    ] = 300


def worker(
    *,
    lake: InLake = InLake(),
    cluster: OnCluster = OnCluster(),
    shift: OnShift = OnShift(),
    answering: Answering = Answering(),
) -> int:
    """Run queued jobs, those of all users in turn, for as long as it lives.

    Any number of workers may share a queue, on any machines. SIGTERM and Ctrl-C let the tasks in
    flight finish and hand the job back.
    """
    with loading():
        from voxlake.cli.opened.workspace import opened_workspace
        from voxlake.compute.jobs.worker import Pace, patiently, work_off

    ended: Counter[str] = Counter()
    with _stoppable() as stop, ExitStack() as stack:
        workspace = patiently(
            lambda: stack.enter_context(opened_workspace(lake, cluster)),
            stop,
            most_s=shift.lease,
        )
        for job, begins, error in work_off(
            workspace,
            stop,
            jobs=shift.jobs,
            until_idle=shift.once,
            pace=Pace(shift.poll, shift.lease, shift.follow, shift.save),
        ):
            what = f"job {job.id} ({job.kind} {job.dataset})"
            if begins:
                note(f"{what} begins")
                continue
            ended[job.state] += 1
            note(f"{what}: {job.state}{f', {error}' if error else ''}")
    report = WorkerDocument(jobs=ended.total(), ended=dict(ended))
    answer(report, [facts([("jobs", report.jobs), *ended.items()])], json=answering.json)
    bad = ended[JobState.FAILED] + ended[JobState.DEGRADED]
    return PARTIAL if shift.once and bad else 0


@contextmanager
def _stoppable() -> Iterator[Event]:
    """Yield what SIGTERM and Ctrl-C set; a second one ends the process as usual."""
    stop = Event()

    def ask(number: int, _frame: object) -> None:
        stop.set()
        signal.signal(number, before[signal.Signals(number)])

    end_in_own_time()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    for number in before:
        signal.signal(number, ask)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
