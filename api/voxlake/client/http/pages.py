"""Lists that a gateway answers page by page, read to their end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

PAGE = 1000
"""Entries that are asked for at a time, which is as many as a gateway gives."""


class Page(Protocol):
    """A page of a list."""

    @property
    def next(self) -> str | int | None:
        """What to ask for `after`, for the next one; None: this is the last."""


def listed[T: Page, Entry](
    ask: Callable[[dict[str, Any]], T],
    entries: Callable[[T], Sequence[Entry]],
    limit: int | None = None,
) -> Iterator[Entry]:
    """Yield the entries of a list, from all of its pages.

    Parameters
    ----------
    ask
        Asks for a page, by ``limit`` and ``after``.
    entries
        Those of a page.
    limit
        How many at most; None: all.
    """
    after: dict[str, Any] = {}
    left = limit
    while left != 0:
        size = PAGE if left is None else min(left, PAGE)
        page = ask({"limit": size, **after})
        found = entries(page)
        yield from found
        if page.next is None:
            return
        after = {"after": page.next}
        left = None if left is None else left - len(found)
