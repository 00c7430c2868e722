"""Questions that wait for an answer from elsewhere, asked at the same time."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from voxlake.platform.deadline import under_deadline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

AT_ONCE = 8
"""Questions that are asked at the same time, where nobody says how many."""


def in_parallel[T, R](
    ask: Callable[[T], R], items: Iterable[T], most: int = AT_ONCE
) -> Iterator[R]:
    """Yield the answers to `ask` in the order of `items`, asked in threads; the first error wins.

    At most `most` are asked at the same time, or wait to be taken.

    Examples
    --------
    >>> list(in_parallel(abs, [-2, 1, -3], most=2))
    [2, 1, 3]
    """
    ask = under_deadline(ask)
    with ThreadPoolExecutor(most, "voxlake-asking") as pool:
        waiting: deque[Future[R]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(ask, item))
                if len(waiting) == most:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
