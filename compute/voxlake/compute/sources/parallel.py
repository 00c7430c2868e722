"""A few threads over many small files: decoders and the disk release the interpreter lock."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

THREADS = max(2, min(4, os.cpu_count() or 1))


def map_parallel[T, R](function: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Return ``[function(item) for item in items]``, computed by a few threads, in order.

    The first error that an item raises is raised here; items not yet begun are left.
    """
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(function, items))
