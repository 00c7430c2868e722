"""Steps: every operation of the index on the store, at which it can be cut off or joined."""

from __future__ import annotations

from concurrent.futures import Future
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from voxlake.ngff.volume import Volume
from voxlake.platform import parallel, store
from voxlake.platform.store import FileLock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    import numpy.typing as npt
    import pytest

    from voxlake.ngff.grid.box import Box

OPERATIONS = (
    "create",
    "delete",
    "exists",
    "head",
    "last_object",
    "list_children",
    "read",
    "read_if_there",
    "read_range",
    "read_ranges",
    "replace",
    "walk",
    "write",
    "write_derived",
)


class Killed(BaseException):
    """The process is gone: no handler of errors runs, and nothing more reaches the store."""


class Blocked(Exception):  # noqa: N818  (no failure)
    """Who is asked to do something while another is at a step waits for a lock of that one."""


type Fault = Callable[[], None] | Literal["kill before", "kill after"]
"""What happens at a step: others do something first, or the process is killed."""


class _OneByOne:
    """Does in order what a pool of threads would do in any order, so that steps have numbers."""

    def __init__(self, *_: object) -> None:
        pass

    def __enter__(self) -> _OneByOne:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def map[T, R](self, ask: Callable[[T], R], items: Iterable[T]) -> list[R]:
        return [ask(item) for item in items]

    def submit[T, R](self, ask: Callable[[T], R], item: T) -> Future[R]:
        done: Future[R] = Future()
        done.set_result(ask(item))
        return done


class Steps:
    """Counts steps, and lets faults happen at those that they are meant for."""

    def __init__(self) -> None:
        self.count = 0
        self.wait: Callable[[str], object] = lambda _: None
        """Called before each operation with its name: processes that take turns wait here."""
        self._faults: dict[int, Fault] = {}
        self._active = self._dead = self._joins = False
        self._later: list[Callable[[], None]] = []

    def run(self, act: Callable[[], object], faults: Mapping[int, Fault]) -> int:
        """Do `act` with faults at the steps of given numbers from 0 on; return its steps."""
        self.count, self._faults, self._dead = 0, dict(faults), False
        self._active = True
        try:
            act()
        except Killed:
            pass
        finally:
            self._active = self._dead = False
        later, self._later = self._later, []
        for others in later:
            others()
        return self.count

    def blocked(self) -> None:
        """Let those who have the lock go on; raise Blocked if they do so only after this."""
        if self._joins:
            raise Blocked
        self.wait("lock")

    def step(self, name: str, operation: Callable[[], Any], partly: Callable[[], object]) -> Any:
        """Do one operation; a process killed after it has done all of it, before it a part."""
        self.wait(name)
        if self._dead:
            raise Killed
        if not self._active:
            return operation()
        fault = self._faults.get(self.count)
        self.count += 1
        if callable(fault):
            with self._others():
                try:
                    fault()
                except Blocked:
                    self._later.append(fault)
        elif fault == "kill before":
            self._dead = True
            partly()
            raise Killed
        answer = operation()
        if fault == "kill after":
            self._dead = True
            raise Killed
        return answer

    @contextmanager
    def _others(self) -> Iterator[None]:
        self._active, self._joins = False, True
        yield
        self._active, self._joins = True, False


def watch(patch: pytest.MonkeyPatch) -> Steps:
    """Make steps of all operations of the index, until `patch` is undone."""
    steps = Steps()
    patch.setattr(parallel, "ThreadPoolExecutor", _OneByOne)
    for name in OPERATIONS:
        patch.setattr(store, name, _stepping(steps, name))
    patch.setattr(store, "FileLock", _locking(steps))
    write = Volume.write

    def write_in_steps(volume: Volume, box: Box, voxels: npt.NDArray[Any]) -> Any:
        def partly() -> None:
            # Some shards have changed, others not.
            first = next(iter(box.tiles(volume.shard)))
            write(volume, first, voxels[first.within(box).slices]).result()

        return steps.step("write voxels", lambda: write(volume, box, voxels), partly)

    patch.setattr(Volume, "write", write_in_steps)
    return steps


def _locking(steps: Steps) -> Callable[..., FileLock]:
    """Return what locks as `FileLock` does, and lets others go on while it waits."""

    def lock(path: Path, positions: Iterable[int] = (0,), *, wait: bool = True) -> FileLock:
        places = list(positions)
        while True:
            try:
                return FileLock(path, places, wait=False)
            except BlockingIOError:
                if not wait:
                    raise
                steps.blocked()

    return lock


def _stepping(steps: Steps, name: str) -> Callable[..., Any]:
    operation = getattr(store, name)

    def stepping(*args: Any) -> Any:
        def perform() -> Any:
            answer = operation(*args)
            # A listing is one request: it is not interrupted while it is looked at.
            return list(answer) if name == "walk" else answer

        return steps.step(name, perform, lambda: None)

    return stepping
