"""No clock tells what is hidden from what is absent: ``make times``, with 2000 requests of each.

The catalog is asked each time, which takes some 150 us more of 4 ms for what is there.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from tests.api.routes.matrix import DATASET
from tests.api.routes.test_absent_and_forbidden import addresses, asked, rank_score

from voxlake.api.http.limits import refusals

if TYPE_CHECKING:
    import pytest
    from tests.api.routes.test_absent_and_forbidden import Asked

__all__ = ["asked"]

REQUESTS = int(os.environ.get("VOXLAKE_TIMED_REQUESTS", "2000"))
STEP_SECONDS = refusals.STEP_SECONDS
"""As it is by itself: other tests are refused at once."""
WARM = 100
"""Requests before those that count."""


def test_no_clock_tells_them_apart(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "STEP_SECONDS", STEP_SECONDS)
    hidden, absent = addresses(f"/v2/datasets{DATASET}")
    spent: dict[str, list[float]] = {hidden: [], absent: []}
    for number in range(REQUESTS + WARM):
        for address in (hidden, absent) if number % 2 else (absent, hidden):
            before = time.perf_counter()
            asked.server.ask("GET", address, asked.headers)
            if number >= WARM:
                spent[address].append(time.perf_counter() - before)
    score = rank_score(spent[hidden], spent[absent])
    middles = [sorted(each)[REQUESTS // 2] * 1e6 for each in spent.values()]
    print(f"hidden {middles[0]:.0f} us, absent {middles[1]:.0f} us (medians); z = {score:.2f}")  # noqa: T201  (what is measured is to be told)
    assert abs(score) < 3.3
