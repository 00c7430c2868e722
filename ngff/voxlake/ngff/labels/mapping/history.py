"""The log in memory: which entries changed a body, each question as of a number."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from threading import Lock
from typing import TYPE_CHECKING, assert_never

from voxlake.ngff.labels.mapping.log import Cleave, Merge, Replace, read_entries

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from voxlake.ngff.labels.mapping.log import Entry, Operation
    from voxlake.platform.store import StoreURL


class History:
    """Entries of a log from the first on. It only grows, so what was asked once stays so.

    Its methods may be called from any thread.
    """

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._moments: list[datetime] = []
        """For each entry when the last of it and those before was made: clocks may disagree."""
        self._imports: list[int] = []
        self._of: dict[int, list[int]] = {}
        """Body -> numbers of the entries that changed it, ascending."""
        self._lock = Lock()

    def read_to(self, mapping_url: StoreURL, number: int) -> None:
        """Read the entries that are missing up to `number`. Raises as `read_entries`."""
        with self._lock:
            if len(self.entries) < number:
                self._add(list(read_entries(mapping_url, len(self.entries), number)))

    def changes(self, body: int, after: int, until: int) -> list[int]:
        """Return the numbers above `after` and up to `until` of the entries that changed a body."""
        numbers = self._of.get(body, [])
        return numbers[bisect_right(numbers, after) : bisect_right(numbers, until)]

    def last_change(self, body: int, number: int) -> int:
        """Return which entry, up to `number` and after the last import, changed a body; else 0."""
        numbers = self._of.get(body, [])
        place = bisect_right(numbers, number)
        last = numbers[place - 1] if place else 0
        return last if last > self.last_import(number) else 0

    def last_import(self, number: int) -> int:
        """Return which entry up to `number` replaced the mapping last; 0: none."""
        place = bisect_right(self._imports, number)
        return self._imports[place - 1] if place else 0

    def next_import(self, number: int) -> int | None:
        """Return which entry above `number` replaced the mapping first; None: none."""
        place = bisect_right(self._imports, number)
        return self._imports[place] if place < len(self._imports) else None

    def number_at(self, moment: datetime) -> int:
        """Return the number that the mapping had at a moment."""
        return bisect_right(self._moments, moment)

    def _add(self, entries: list[Entry]) -> None:
        latest = self._moments[-1:] + [entry.at for entry in entries]
        self._moments += list(accumulate(latest, max))[len(self._moments[-1:]) :]
        for entry in entries:
            if isinstance(entry.operation, Replace):
                self._imports.append(entry.number)
            for body in changed_bodies(entry.operation):
                self._of.setdefault(body, []).append(entry.number)
        self.entries += entries


def changed_bodies(operation: Operation) -> Iterable[int]:
    """Return the bodies that an operation names: those that end, change or begin."""
    match operation:
        case Merge():
            return (operation.into, *operation.bodies)
        case Cleave():
            return (operation.body, operation.into)
        case Replace():
            return ()
        case _:
            assert_never(operation)
