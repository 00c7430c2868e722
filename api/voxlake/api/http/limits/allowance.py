"""Allowances: how much of something each account may have in a minute, in this process."""

from __future__ import annotations

import sys
from math import ceil

from limits import RateLimitItemPerMinute
from limits.strategies import SlidingWindowCounterRateLimiter

from voxlake.api.http.limits.windows import Windows


class Allowance:
    """So much for each account in any minute, about: a sliding window of two counters.

    Parameters
    ----------
    unit
        What is counted, in words.
    amount
        How much there is in a minute; 0: without end.
    """

    def __init__(self, unit: str, amount: int) -> None:
        self.unit, self.amount = unit, amount
        self._item = RateLimitItemPerMinute(max(amount, 1))
        self._counters = Windows()
        self._windows = SlidingWindowCounterRateLimiter(self._counters)

    def take(self, account: str) -> bool:
        """Count one, if there is one left; return whether there was."""
        return not self.amount or self._windows.hit(self._item, account)

    def is_left(self, account: str) -> bool:
        """Return whether anything is left."""
        return not self.amount or self._windows.test(self._item, account)

    def charge(self, account: str, amount: int) -> None:
        """Count so much, although it may be more than is left: it was had."""
        if self.amount and amount:
            self._counters.acquire_sliding_window_entry(
                self._item.key_for(account), sys.maxsize, self.seconds, amount
            )

    @property
    def seconds(self) -> int:
        """Length of the window."""
        return int(self._item.get_expiry())

    def seconds_until_left(self, account: str) -> int:
        """Return after how many seconds without a request there is something left, at least 1."""
        before, before_ends, here, here_ends = self._counters.get_sliding_window(
            self._item.key_for(account), self.seconds
        )
        left = self.amount - 1 - here
        if left >= 0:
            # What was in the window before counts ever less.
            wait = before_ends - self.seconds * left / before if before else 0.0
        else:
            # So will what is in this one, once it is the one before.
            wait = here_ends - self.seconds * (self.amount - 1) / here
        return max(ceil(wait), 1)
