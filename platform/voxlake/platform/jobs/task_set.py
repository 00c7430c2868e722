"""A set of task numbers that stays small for a million of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class TaskSet:
    """Some of the tasks ``[0, size)``, at a byte each: a job of a million tasks takes 1 MB.

    Examples
    --------
    >>> done = TaskSet(5, [0, 3])
    >>> len(done), 3 in done, list(done)
    (2, True, [0, 3])
    >>> list(done.missing())
    [1, 2, 4]
    """

    __slots__ = ("_count", "_marks")

    def __init__(self, size: int, tasks: Iterable[int] = ()) -> None:
        self._marks = bytearray(size)
        self._count = 0
        self.update(tasks)

    @property
    def size(self) -> int:
        """How many tasks there are, in the set or not."""
        return len(self._marks)

    def update(self, tasks: Iterable[int]) -> None:
        """Add tasks; raise IndexError if there is no such one."""
        marks = self._marks
        for task in tasks:
            if not 0 <= task < len(marks):
                raise IndexError(f"there is no task {task} in [0, {len(marks)})")
            self._count += not marks[task]
            marks[task] = 1

    def missing(self) -> Iterator[int]:
        """Yield the tasks that are not in the set, ascending."""
        return self._with_mark(0)

    def __contains__(self, task: object) -> bool:
        return isinstance(task, int) and 0 <= task < self.size and bool(self._marks[task])

    def __iter__(self) -> Iterator[int]:
        return self._with_mark(1)

    def __len__(self) -> int:
        return self._count

    def __repr__(self) -> str:
        return f"<TaskSet: {len(self)} of {self.size}>"

    def _with_mark(self, mark: int) -> Iterator[int]:
        task = self._marks.find(mark)
        while task >= 0:
            yield task
            task = self._marks.find(mark, task + 1)
