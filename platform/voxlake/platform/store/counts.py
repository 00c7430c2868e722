"""How often this process asked its stores, and how often they failed."""

from __future__ import annotations

from collections import Counter
from threading import Lock


class StoreCounts:
    """Counts of requests by action, and of failures by kind of error. For any thread."""

    def __init__(self) -> None:
        self.requests, self.failures = Counter[str](), Counter[str]()
        self._lock = Lock()

    def count_request(self, action: str) -> None:
        """Count a request."""
        with self._lock:
            self.requests[action] += 1

    def count_failure(self, kind: str) -> None:
        """Count a failure: that an object is not there is none."""
        with self._lock:
            self.failures[kind] += 1


COUNTS = StoreCounts()
"""Of this process."""
