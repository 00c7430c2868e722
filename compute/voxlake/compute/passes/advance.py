"""How far the task of this thread is, for whoever runs it and shows its progress."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_tell: ContextVar[Callable[[int], None] | None] = ContextVar("_tell", default=None)


@contextmanager
def telling(tell: Callable[[int], None]) -> Iterator[None]:
    """Let `tell` know of the voxels that are done by this thread, within a ``with`` block."""
    token = _tell.set(tell)
    try:
        yield
    finally:
        _tell.reset(token)


def advance(voxels: int) -> None:
    """Say that so many more voxels of the task are done.

    Examples
    --------
    >>> with telling(print):
    ...     advance(64)
    64
    """
    tell = _tell.get()
    if tell is not None:
        tell(voxels)
