"""What the C library does with memory that is freed: keep it for the next, or give it back.

By default glibc does some of both. Other C libraries are left alone.
"""

from __future__ import annotations

import ctypes
from functools import cache

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
"""Numbers of glibc's mallopt (malloc.h)."""

_ARENAS = 4
"""Parts of memory that threads of a server share; each keeps what is freed for itself."""


@cache
def keep_freed_memory() -> None:
    """Keep large buffers that are freed, for work that asks for such again and again.

    Touching fresh memory takes a sixth of the time of an ingest.
    """
    _set({_MMAP_THRESHOLD: 32 << 20, _TRIM_THRESHOLD: 512 << 20})


def return_freed_memory(keep_bytes: int) -> None:
    """Give freed memory back but for `keep_bytes`, for servers whose threads come and go.

    What is kept is for the next answers: fresh memory takes a third of the time of a cutout. By
    default each of many threads keeps up to 64 MiB that another one freed. To be called before
    threads begin.
    """
    largest = min(keep_bytes // _ARENAS, 32 << 20)
    _set({_MMAP_THRESHOLD: largest, _TRIM_THRESHOLD: largest, _ARENA_MAX: _ARENAS})


def _set(options: dict[int, int]) -> None:
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return
    for option, value in options.items():
        mallopt(option, value)
