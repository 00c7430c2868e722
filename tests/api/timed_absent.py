"""No clock tells what is hidden from what is absent: ``make times``, with 2000 requests of each.

The gateway remembers datasets for a second, as it does for everybody; what is asked of the catalog
in between takes some 150 us more for what is there, in this process, of 4 ms.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.api.matrix import DATASET
from tests.api.test_absent_and_forbidden import addresses, asked, rank_score

from voxlake.api.gateway import RECORD_SECONDS
from voxlake.api.http.expiring import Expiring

if TYPE_CHECKING:
    from tests.api.test_absent_and_forbidden import Asked

__all__ = ["asked"]

REQUESTS = int(os.environ.get("VOXLAKE_TIMED_REQUESTS", "2000"))
WARM = 100
"""Requests before those that count."""


def test_no_clock_tells_them_apart(asked: Asked) -> None:
    app = asked.app
    app.state.gateway = replace(app.state.gateway, records=Expiring(RECORD_SECONDS))
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
