"""Sweeping: documents and segments that nothing needs any more are deleted."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ulid import ULID

from voxlake.ngff.versioned import document
from voxlake.ngff.versioned.numbered import numbered_url, numbers
from voxlake.platform import store
from voxlake.platform.errors import ObjectNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from voxlake.ngff.versioned.document import Document, Form
    from voxlake.platform.store import StoreURL

KEPT_DOCUMENTS = 8
"""Newest documents that are kept with their segments, for who began with one of them."""

SWEEP_AGE_S = 24 * 3600.0
"""Age from which what no document names is taken for what a crash left behind."""

_SEGMENT = re.compile(r"([0-9A-HJKMNP-TV-Z]{26})\.[a-z.]+")


def sweep[T: Document](
    form: Form[T],
    folder: StoreURL,
    segments: StoreURL,
    named: Callable[[T], Iterable[str]],
    may_sweep: Callable[[], bool] = lambda: True,
) -> int:
    """Delete all but the newest documents, and old segments that none of them names.

    Young ones stay, because somebody may be about to name them. Returns how many objects went.

    Parameters
    ----------
    folder, segments
        Where the numbered documents are, and the objects ``<ulid>.<ending>`` of segments.
    named
        Gives the ULIDs that a document names.
    may_sweep
        Whether segments may be swept, asked after these were listed.

    Raises
    ------
    CorruptDataError
        If one of the newest documents is damaged: what it names is not known.
    StoreError
        If the store fails.
    """
    # Segments first: what is put in force after this listing is young, or in a document that is
    # listed next.
    _, names = store.list_children(segments)
    if not may_sweep():
        names = []
    listed = numbers(folder)
    kept, old = listed[-KEPT_DOCUMENTS:], listed[:-KEPT_DOCUMENTS]
    try:
        documents = [document.read(form, numbered_url(folder, number)) for number in kept]
    except ObjectNotFoundError:
        return 0  # Another process sweeps at this moment.
    needed = {ulid for each in documents for ulid in named(each)}
    gone = [segments / name for name in names if _is_leftover(name, needed)]
    gone += [numbered_url(folder, number) for number in old]
    for url in gone:
        store.delete(url)
    return len(gone)


def is_older(ulid: str, age_s: float) -> bool:
    """Return whether a ULID was made more than `age_s` seconds ago."""
    return ULID.from_str(ulid).datetime < datetime.now(UTC) - timedelta(seconds=age_s)


def _is_leftover(name: str, needed: set[str]) -> bool:
    match = _SEGMENT.fullmatch(name)
    # What has another name is someone else's, and left alone.
    return match is not None and match[1] not in needed and is_older(match[1], SWEEP_AGE_S)
