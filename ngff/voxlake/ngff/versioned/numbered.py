"""Numbered documents: a folder of ``<20 digits>.json``, of which the highest number counts.

Of any number of processes that make number n + 1 one succeeds, on any store that can create an
object only if it is absent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxlake.ngff.versioned import document
from voxlake.platform import store
from voxlake.platform.errors import ObjectNotFoundError, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxlake.ngff.versioned.document import Document, Form
    from voxlake.platform.store import StoreURL

ATTEMPTS = 300
"""Times that a folder is listed because the newest was swept before it was read."""

_NAME = re.compile(r"\d{20}\.\w+")


@dataclass(frozen=True, slots=True)
class Numbered[T]:
    """A document with its number."""

    number: int
    document: T


def numbered_url(folder: StoreURL, number: int, ending: str = "json") -> StoreURL:
    """Return the address of the object of a number: its name sorts as the number."""
    return folder / f"{number:020}.{ending}"


def numbers(folder: StoreURL) -> list[int]:
    """Return all numbers of a folder, ascending, by listing it."""
    _, names = store.list_children(folder)
    return sorted(_number(name) for name in names if _NAME.fullmatch(name))


def newest[T: Document](form: Form[T], folder: StoreURL) -> Numbered[T] | None:
    """Return the document of the highest number; None if there is none at all.

    One that was read before is not read again.

    Raises
    ------
    CorruptDataError
        If it is damaged.
    StoreError
        If the store fails.
    """
    for _ in range(ATTEMPTS):
        last = store.last_object(folder, _NAME.fullmatch)
        if last is None:
            return None
        try:
            # A folder that was deleted and filled anew has other documents under the same names.
            known = form.cached.peek((folder, *last)) if form.cached else None
            return known or _read(form, folder, *last)
        except ObjectNotFoundError:
            # Swept since: then there are newer ones.
            continue
    raise StoreError(f"{folder} lists objects that it does not have; try again later")


def create_next[T: Document](
    form: Form[T],
    folder: StoreURL,
    made: Numbered[T],
    is_followed: Callable[[], bool],
) -> bool:
    """Create a document; say whether it counts: not if its number is taken, or nobody follows it.

    A process that slept may create a number that was swept long ago. It is then not the highest,
    and nobody follows it. One that others have followed at once counts.

    Parameters
    ----------
    is_followed
        Says whether a newer document was made from this one; asked if there are newer ones.
    """
    if not document.create(form, numbered_url(folder, made.number), made.document):
        return False
    last = store.last_object(folder, _NAME.fullmatch)
    return (last is not None and _number(last[0]) == made.number) or is_followed()


def _read[T: Document](form: Form[T], folder: StoreURL, name: str, etag: str) -> Numbered[T]:
    """Read a listed document, and keep it if its form says so."""
    body = store.read(folder / name).body
    made = Numbered(_number(name), document.decode(form, folder / name, body))
    if form.cached:
        # In memory it takes several times what it takes as JSON.
        form.cached.put((folder, name, etag), made, 2000 + 8 * len(body))
    return made


def _number(name: str) -> int:
    return int(name.partition(".")[0])
