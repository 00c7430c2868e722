"""How often this process asked its stores, and how often they failed."""

from __future__ import annotations

from collections import Counter
from threading import Lock

from voxlake.platform.errors import (
    StoreDeniedError,
    StoreError,
    StoreFullError,
    StoreReadOnlyError,
    StoreUnavailableError,
)

FAILURES = tuple(
    error.kind
    for error in (
        StoreDeniedError,
        StoreError,
        StoreFullError,
        StoreReadOnlyError,
        StoreUnavailableError,
    )
)
"""Kinds that are counted from 0 on: whoever looks at growth does not see what begins at 1."""


class StoreCounts:
    """Counts of requests by action, and of failures by kind of error. For any thread."""

    def __init__(self) -> None:
        self.requests = Counter[str]()
        self.failures = Counter[str](dict.fromkeys(FAILURES, 0))
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
