"""Reading objects: by id, and by pages of what a filter selects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from voxlake.ngff.labels.label_id import MAX_LABEL
from voxlake.ngff.labels.objects.label_object import (
    PUBLIC_SCHEMA,
    SCHEMA,
    ObjectType,
    objects_of_table,
)
from voxlake.ngff.labels.objects.manifest import of_newest
from voxlake.ngff.labels.objects.segment import living, newest_rows, read_ids, scan
from voxlake.platform.errors import InvalidInputError, LimitExceededError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from voxlake.ngff.labels.objects.label_object import LabelObject
    from voxlake.ngff.labels.objects.manifest import Manifest
    from voxlake.ngff.versioned.numbered import Numbered
    from voxlake.platform.store import StoreURL

MAX_PAGE = 100_000
"""Objects of one page."""


@dataclass(frozen=True, slots=True)
class ObjectFilter:
    """Which objects to list: those that fit all that is given."""

    type: ObjectType | None = None
    name_prefix: str = ""
    """How the name begins, in its own case."""
    status: str | None = None
    key_value: tuple[str, str] | None = None
    """A key, and the value that it has."""


@dataclass(frozen=True, slots=True, eq=False)
class ObjectPage:
    """Objects in ascending order of their ids."""

    table: pa.Table
    """Columns id, type, name, author, status, confidence, parent, key_values, created, modified."""
    next: int | None
    """What to give as `after` for the next page; None if this is the last."""
    number: int
    """Number of the manifest that was asked."""


def objects_url(index_url: StoreURL) -> StoreURL:
    """Return where the objects of labels lie, by the address of their index."""
    return index_url / "objects"


def get_object(index_url: StoreURL, label: int) -> LabelObject:
    """Return the object of one label.

    Raises
    ------
    NotFoundError
        If it has none.
    InvalidInputError, CorruptDataError, StoreError
        As `get_objects`.
    """
    objects = objects_of_table(get_objects(index_url, [label]))
    if not objects:
        raise NotFoundError(f"the label {label} has no object below {index_url}; put one")
    return objects[0]


def get_objects(index_url: StoreURL, labels: Iterable[int]) -> pa.Table:
    """Return the objects of labels that have one, ascending by id, as `ObjectPage.table`.

    Reads the row groups that hold the ids, of the newest segments first.

    Raises
    ------
    InvalidInputError
        If a number is no label.
    """
    ids = ids_of(labels)
    url = objects_url(index_url)

    def ask(state: Numbered[Manifest]) -> pa.Table:
        rows = _newest_of(url, state.document, ids)
        return living(rows).select(PUBLIC_SCHEMA.names)

    return of_newest(url, ask)


def list_objects(
    index_url: StoreURL, where: ObjectFilter | None = None, after: int = 0, limit: int = 1000
) -> ObjectPage:
    """Return a page of the objects that fit a filter.

    Parameters
    ----------
    after
        Only ids above it: 0 for the first page, then `ObjectPage.next`.
    limit
        Most objects of the page, up to `MAX_PAGE`.

    Raises
    ------
    InvalidInputError
        If `limit` or `after` is out of range.
    """
    if not 0 < limit <= MAX_PAGE or not 0 <= after <= MAX_LABEL:
        raise InvalidInputError(
            f"no page has {limit} objects after {after}; ask for 1 to {MAX_PAGE} after an id"
        )
    chosen = where or ObjectFilter()
    url = objects_url(index_url)
    return of_newest(url, lambda state: _page(url, state, chosen, after, limit))


def list_ids(
    index_url: StoreURL, where: ObjectFilter, most: int = MAX_LABEL
) -> npt.NDArray[np.uint64]:
    """Return the ids, ascending, of all objects that fit a filter.

    Raises
    ------
    LimitExceededError
        If there are more than `most`.
    """
    url = objects_url(index_url)

    def ask(state: Numbered[Manifest]) -> npt.NDArray[np.uint64]:
        parts, count = [np.empty(0, np.uint64)], 0
        for rows in scan(url, state.document.segments):
            objects = living(rows)
            parts.append(objects.filter(_fits(objects, where))["id"].to_numpy())
            count += len(parts[-1])
            if count > most:
                raise LimitExceededError(
                    f"more than {most} objects fit the filter; ask for fewer by another filter"
                )
        return np.concatenate(parts)

    return of_newest(url, ask)


def _page(
    url: StoreURL, state: Numbered[Manifest], where: ObjectFilter, after: int, limit: int
) -> ObjectPage:
    parts, count = [PUBLIC_SCHEMA.empty_table()], 0
    for rows in scan(url, state.document.segments, after):
        objects = living(rows)
        parts.append(objects.filter(_fits(objects, where)).select(PUBLIC_SCHEMA.names))
        count += len(parts[-1])
        # One more than asked says that there is another page.
        if count > limit:
            break
    table = pa.concat_tables(parts).slice(0, limit)
    more = int(table["id"][-1].as_py()) if count > limit else None
    return ObjectPage(table, more, state.number)


def _fits(rows: pa.Table, where: ObjectFilter) -> pa.BooleanArray:
    fits: pa.BooleanArray = pc.starts_with(rows["name"], where.name_prefix)
    if where.type is not None:
        fits = pc.and_(fits, pc.equal(rows["type"], pa.scalar(where.type.value)))
    if where.status is not None:
        fits = pc.and_(fits, pc.equal(rows["status"], pa.scalar(where.status)))
    if where.key_value is not None:
        key, value = where.key_value
        stored = pc.map_lookup(rows["key_values"], pa.scalar(key), "first")
        # Unlike `equal`, this is false and not null where the key is absent.
        fits = pc.and_(fits, pc.is_in(stored, value_set=pa.array([value])))
    return fits


def _newest_of(url: StoreURL, manifest: Manifest, ids: np.ndarray) -> pa.Table:
    """Return the newest row of each of `ids` that has one."""
    parts, missing = [SCHEMA.empty_table()], ids
    for segment in reversed(manifest.segments):
        if not len(missing):
            break
        parts.append(read_ids(url, segment, missing))
        missing = np.setdiff1d(missing, parts[-1]["id"].to_numpy(), assume_unique=True)
    return newest_rows(parts)


def ids_of(labels: Iterable[int]) -> np.ndarray:
    """Return labels ascending and each once; raise InvalidInputError if a number is none."""
    given = [int(label) for label in labels]
    if given and not 0 < min(given) <= max(given) <= MAX_LABEL:
        raise InvalidInputError(f"objects have ids from 1 to {MAX_LABEL}; leave out all others")
    return np.unique(np.array(given, np.uint64))
