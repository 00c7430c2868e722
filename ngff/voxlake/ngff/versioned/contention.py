"""Contention: who comes second begins again, a bounded number of times and not all at once."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from voxlake.platform.errors import ConflictError

if TYPE_CHECKING:
    from collections.abc import Callable

ATTEMPTS = 300
LONGEST_PAUSE = 0.05  # seconds


def until_first[T](attempt: Callable[[], T | None], what: str) -> T:
    """Return the answer of the first attempt that is not None.

    Parameters
    ----------
    attempt
        Looks at what there is and offers what follows it; None if another process was first.
    what
        Names what others changed, for the error.

    Raises
    ------
    ConflictError
        If others came first at every one of `ATTEMPTS` attempts.
    """
    for _ in range(ATTEMPTS):
        done = attempt()
        if done is not None:
            return done
        time.sleep(random.uniform(0, LONGEST_PAUSE))  # noqa: S311  (no secret)
    raise ConflictError(f"others changed {what} {ATTEMPTS} times in a row; try again later")
