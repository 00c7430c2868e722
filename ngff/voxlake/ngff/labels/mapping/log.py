"""The log: what each entry does to a mapping. They are numbered without gaps, and created once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AwareDatetime, Field
from ulid import ULID

from voxlake.ngff.labels.label_id import MAX_LABEL
from voxlake.ngff.versioned import document
from voxlake.ngff.versioned.document import Document, Form
from voxlake.ngff.versioned.numbered import numbered_url
from voxlake.platform.deadline import under_deadline
from voxlake.platform.errors import ObjectNotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.platform.store import StoreURL

_MOST_AT_ONCE = 32

type Label = Annotated[int, Field(ge=1, le=MAX_LABEL)]


class Merge(Document):
    """All supervoxels of `bodies` belong to the body `into` from here on."""

    kind: Literal["merge"] = "merge"
    into: Label
    bodies: tuple[Label, ...]
    """The bodies that end."""


class Cleave(Document):
    """Some `supervoxels` of the body `body` are a body of their own, `into`, from here on."""

    kind: Literal["cleave"] = "cleave"
    body: Label
    supervoxels: tuple[Label, ...]
    into: Label


class Replace(Document):
    """The mapping is that of a table from here on, whatever it was."""

    kind: Literal["replace"] = "replace"
    table: str = Field(pattern="^[0-9A-HJKMNP-TV-Z]{26}$")
    """ULID of ``mapping/tables/<ulid>.parquet``."""


type Operation = Annotated[Merge | Cleave | Replace, Field(discriminator="kind")]


class Entry(Document):
    """One entry of the log."""

    spec: Literal["voxlake-label-mapping/1"] = "voxlake-label-mapping/1"
    """Version of the form of the log."""
    id: str
    """Its own, whatever its number: a writer knows its entry by it."""
    number: int = Field(ge=1)
    """Number of the mapping after it."""
    by: str = ""
    """Who asked for it."""
    at: AwareDatetime
    operation: Operation


ENTRIES = Form(Entry, "restore it from a copy of the store")


def read_entry(mapping_url: StoreURL, number: int) -> Entry | None:
    """Return the entry of a number; None if there is none.

    Raises
    ------
    CorruptDataError
        If it is none that this version can read.
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
    read = under_deadline(read_entry)
    with ThreadPoolExecutor(_MOST_AT_ONCE, "label-mapping") as pool:
        while stop is None or first <= stop:
            last = first + count if stop is None else min(first + count, stop + 1)
            numbers = range(first, last)
            for entry in pool.map(read, [mapping_url] * len(numbers), numbers):
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
