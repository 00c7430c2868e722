"""Names in messages: the first few, and how many more there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

SHOWN = 10
"""Names listed before a message only counts."""


def listed(names: Sequence[object], count: int | None = None) -> str:
    """Return `names` for a message; they may be only the first of `count`.

    Examples
    --------
    >>> listed(range(12))
    '0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more'
    """
    more = (len(names) if count is None else count) - SHOWN
    shown = ", ".join(str(name) for name in names[:SHOWN])
    return f"{shown} and {more} more" if more > 0 else shown
