"""What `limits` counts, kept by the event loop alone.

Its own store in memory takes locks and starts a thread up to a hundred times a second to forget
what is over, which cost a small request a third of its time.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass
from math import floor

from limits.storage import MemoryStorage


@dataclass(slots=True)
class _Counts:
    """What was counted in a window, by its number, and in the one before it."""

    window: int
    here: int = 0
    before: int = 0

    def move_to(self, window: int) -> None:
        """Become the counts of a later window."""
        if window != self.window:
            self.before = self.here if window == self.window + 1 else 0
            self.here, self.window = 0, window


class Windows(MemoryStorage):
    """Sliding windows of one length; what is two windows old is forgotten as others are counted."""

    def __init__(self) -> None:
        super().__init__()
        self._counts = OrderedDict[str, _Counts]()

    def acquire_sliding_window_entry(
        self, key: str, limit: int, expiry: int, amount: int = 1
    ) -> bool:
        """Count so much, if it fits into the limit; return whether it did."""
        counts, passed = self._look(key, expiry)
        if floor(counts.before * (1 - passed) + counts.here) + amount > limit:
            return False
        counts.here += amount
        self._counts[key] = counts
        self._counts.move_to_end(key)
        while next(iter(self._counts.values())).window < counts.window - 1:
            self._counts.popitem(last=False)
        return True

    def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """Return both counts, and in how many seconds each has no weight any more."""
        counts, passed = self._look(key, expiry)
        ends = (1 - passed) * expiry
        return counts.before, ends, counts.here, ends + expiry

    def _look(self, key: str, expiry: int) -> tuple[_Counts, float]:
        """Return the counts of a key, and the share of the window that has passed."""
        number = time.time() / expiry
        window = int(number)
        counts = self._counts.get(key) or _Counts(window)
        counts.move_to(window)
        return counts, number - window
