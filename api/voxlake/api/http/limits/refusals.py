"""Refusals that say that nothing is there: given at even times, whichever was the case."""

from __future__ import annotations

import asyncio
import time

STEP_SECONDS = 0.02
"""They are given so long after a request began, or a multiple of it.

To ask the catalog takes some milliseconds, and a little longer for what is there and hidden.
"""


async def even_out(began: float) -> None:
    """Wait for the next step since `time.monotonic` was `began`."""
    if STEP_SECONDS:
        await asyncio.sleep(-(time.monotonic() - began) % STEP_SECONDS)
