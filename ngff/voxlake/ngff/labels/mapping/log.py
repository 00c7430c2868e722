"""The log: numbered entries without gaps, each created only if absent."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ulid import ULID

from voxlake.ngff.labels.mapping.operation import Entry
from voxlake.ngff.versioned import document
from voxlake.ngff.versioned.document import Form
from voxlake.ngff.versioned.numbered import numbered_url
from voxlake.platform.errors import ObjectNotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.ngff.labels.mapping.operation import Operation
    from voxlake.platform.store import StoreURL

_MOST_AT_ONCE = 32

ENTRIES = Form(Entry, "restore it from a copy of the store")


def read_entry(mapping_url: StoreURL, number: int) -> Entry | None:
    """Return the entry of a number; None if there is none.

    Raises
    ------
    CorruptDataError
        If it is none that this version can read.
    StoreError
        If the store fails.
    """
    try:
        return document.read(ENTRIES, _entry_url(mapping_url, number))
    except ObjectNotFoundError:
        return None


def read_entries(mapping_url: StoreURL, after: int, stop: int | None = None) -> Iterator[Entry]:
    """Yield the entries with numbers above `after`, up to `stop` if given, in their order.

    Numbers have no gaps, so the end is found without listing: 1 entry is asked for, then 2, 4 and
    so on at a time. What others add while entries are read may or may not be among them.
    """
    first, count = after + 1, 1
    with ThreadPoolExecutor(_MOST_AT_ONCE, "label-mapping") as pool:
        while stop is None or first <= stop:
            last = first + count if stop is None else min(first + count, stop + 1)
            numbers = range(first, last)
            for entry in pool.map(read_entry, [mapping_url] * len(numbers), numbers):
                if entry is None:
                    return
                yield entry
            first, count = last, min(2 * count, _MOST_AT_ONCE)


def append(mapping_url: StoreURL, number: int, operation: Operation, by: str) -> Entry | None:
    """Add the entry of a number to the log, and return it; None if another writer came first."""
    entry = Entry(id=str(ULID()), number=number, by=by, at=datetime.now(UTC), operation=operation)
    return entry if document.create(ENTRIES, _entry_url(mapping_url, number), entry) else None


def _entry_url(mapping_url: StoreURL, number: int) -> StoreURL:
    return numbered_url(mapping_url / "log", number)
