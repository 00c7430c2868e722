"""Turns: processes that run side by side, an operation on the store of one of them at a time.

Each is a thread that waits before every step until it is told to go on, so any order of the steps
of any number of processes can be played, and played again.
"""

from __future__ import annotations

from contextlib import contextmanager
from threading import Semaphore, Thread, current_thread
from typing import TYPE_CHECKING

from tests.ngff.labels.steps import Killed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from random import Random

    from tests.ngff.labels.steps import Steps

SWITCHED = 0.25
"""Share of steps after which any process may be the next, and not surely the same again."""


class Process:
    """Something that is done step by step; it waits before its first step."""

    def __init__(self, act: Callable[[], object]) -> None:
        self.waits_for: str | None = None
        """Name of the operation that it does next; None if it is over."""
        self._act, self._killed = act, False
        self._error: BaseException | None = None
        self._go, self._waits = Semaphore(0), Semaphore(0)
        self.thread = Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin, and come to the first step."""
        self.thread.start()
        self._waits.acquire()

    def go(self) -> None:
        """Do one step, and come to the next; raise what the process raises."""
        self._go.release()
        self._waits.acquire()
        if self._error is not None:
            raise self._error

    def go_before(self, operation: str) -> None:
        """Do all steps up to the first one of that name."""
        while self.waits_for != operation:
            assert self.waits_for, f"{operation} never comes"
            self.go()

    def finish(self) -> None:
        """Do all steps that are left."""
        while self.waits_for:
            self.go()

    def kill(self) -> None:
        """Do no step more."""
        self._killed = True
        while self.waits_for:
            self._go.release()
            self._waits.acquire()

    def wait(self, name: str) -> None:
        """Wait, within the process, for leave to do the operation."""
        self.waits_for = name
        self._waits.release()
        self._go.acquire()
        if self._killed:
            raise Killed

    def _run(self) -> None:
        try:
            self._act()
        except Killed:
            pass
        # It is raised anew where the process is told to go.
        except BaseException as error:  # noqa: BLE001
            self._error = error
        finally:
            self.waits_for = None
            self._waits.release()


@contextmanager
def side_by_side(steps: Steps, acts: Sequence[Callable[[], object]]) -> Iterator[list[Process]]:
    """Begin processes that wait for their turns; kill those that are left in the end."""
    processes = [Process(act) for act in acts]
    by_thread = {process.thread: process for process in processes}

    def wait(name: str) -> None:
        process = by_thread.get(current_thread())
        if process:
            process.wait(name)

    steps.wait = wait
    try:
        for process in processes:
            process.start()
        yield processes
    finally:
        for process in processes:
            process.kill()
        steps.wait = lambda _: None


def taking_turns(
    steps: Steps, acts: Sequence[Callable[[], object]], chance: Random, killed: float = 0.0
) -> Iterator[None]:
    """Do all `acts` side by side in an order drawn by chance; yield after every step.

    Parameters
    ----------
    killed
        At what share of steps a process is killed in the place of going on.
    """
    with side_by_side(steps, acts) as processes:
        process = processes[0]
        while going := [each for each in processes if each.waits_for]:
            if process not in going or chance.random() < SWITCHED:
                process = chance.choice(going)
            if chance.random() < killed:
                process.kill()
            else:
                process.go()
            yield
