"""What a worker does: a few tasks of a job, one after the other."""

from __future__ import annotations

import pickle
import time
import traceback
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from distributed import get_worker

from voxlake.compute.passes.advance import telling
from voxlake.compute.passes.threads import use_threads
from voxlake.platform.panics import is_panic

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from voxlake.compute.plan import Result, Task

type Numbered = tuple[int, Task]
"""A task, and its index in the plan."""
type Outcome = tuple[Result | None, BaseException | None, str]
"""The result of a task; or its error, and that with its traceback."""

TELL_S = 0.5
"""Seconds between two signs of how far a task is."""

LONGEST_CALL_S = 1.0
"""After so many seconds a worker hands back the tasks of a call that it has not begun."""


def work(tasks: Sequence[Numbered], topic: str) -> tuple[list[Outcome], float]:
    """Run tasks on a worker, the first one at least; return what came of them, and the seconds.

    How far each is, it tells those who listen to `topic`.
    """
    worker = get_worker()
    use_threads(worker.state.nthreads)
    began, outcomes = time.monotonic(), []
    for index, task in tasks:
        with telling(_Teller(partial(worker.log_event, topic), index)):
            outcomes.append(_attempt(task))
        if time.monotonic() - began > LONGEST_CALL_S:
            break
    return outcomes, time.monotonic() - began


@dataclass(slots=True)
class _Teller:
    """Tells now and then how many voxels of a task are done."""

    log: Callable[[tuple[int, int]], None]
    index: int
    voxels: int = 0
    told: float = field(default_factory=time.monotonic)

    def __call__(self, voxels: int) -> None:
        self.voxels += voxels
        if time.monotonic() - self.told >= TELL_S:
            self.told = time.monotonic()
            self.log((self.index, self.voxels))


def _attempt(task: Task) -> Outcome:
    try:
        return task(), None, ""
    except Exception as error:  # noqa: BLE001  (whatever it is, it is this task's)
        return None, _portable(error), traceback.format_exc()
    except BaseException as error:
        if not is_panic(error):
            raise
        return None, RuntimeError(f"a native library failed: {error}"), traceback.format_exc()


def _portable(error: Exception) -> Exception:
    """Return the error, or what is left of one that cannot be sent."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301  (pickled the line itself)
    except Exception:  # noqa: BLE001  (an error's own code may do anything)
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
