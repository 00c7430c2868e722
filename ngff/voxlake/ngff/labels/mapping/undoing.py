"""Undoing: an entry of the log that takes back what another one did. Nothing is ever rewritten."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

import numpy as np

from voxlake.ngff.labels.mapping.changes import append_checked, replacement
from voxlake.ngff.labels.mapping.fold import fold
from voxlake.ngff.labels.mapping.log import Cleave, Merge, Replace, read_entry
from voxlake.ngff.labels.mapping.mapping import bodies_of, open_mapping, supervoxels_of
from voxlake.ngff.labels.mapping.table import read_table, table_url
from voxlake.platform.errors import ConflictError, NotFoundError

if TYPE_CHECKING:
    import numpy.typing as npt

    from voxlake.ngff.labels.mapping.log import Entry, Operation
    from voxlake.ngff.labels.mapping.mapping import Mapping
    from voxlake.platform.store import StoreURL

MOST_LISTED = 100_000
"""Supervoxels that an entry of the log names; more are in a table."""


def undo(index_url: StoreURL, number: int, by: str = "") -> Entry:
    """Take back the change of a number, and return the entry of the log that does so.

    A cleave is undone by a merge. A merge of two bodies is undone by a cleave, and one of several
    by a table, so that it is one change as well. What others changed elsewhere meanwhile stays.
    An undone change is done again by undoing the entry that undid it.

    Raises
    ------
    NotFoundError
        If there is no change of that number.
    ConflictError
        If a later one changed the same bodies, or, of a table that replaced the mapping, anything.
    CorruptDataError, StoreError
        If what is stored is damaged, or the store fails; then it is undone or not.
    """
    entry = read_entry(index_url / "mapping", number) if number > 0 else None
    if entry is None:
        raise NotFoundError(f"the mapping has no change {number}; see its history")
    before = open_mapping(index_url, number - 1)

    def operation(mapping: Mapping) -> Operation:
        match entry.operation:
            case Merge():
                return _split_again(index_url, number, entry.operation, before, mapping)
            case Cleave():
                return _joined_again(number, entry.operation, mapping)
            case Replace():
                if mapping.number != number:
                    raise _changed_since(number, mapping, "the mapping")
                return replacement(index_url, before.pairs)
            case _:
                assert_never(entry.operation)

    return append_checked(index_url, operation, by)


def _split_again(
    index_url: StoreURL, number: int, merge: Merge, before: Mapping, mapping: Mapping
) -> Operation:
    cleaves = []
    for body in merge.bodies:
        members = supervoxels_of(before, body)
        taken = np.setdiff1d(supervoxels_of(mapping, body), members)
        if (bodies_of(mapping, members) != np.uint64(merge.into)).any() or len(taken):
            raise _changed_since(number, mapping, f"body {body} or {merge.into}")
        cleaves.append(Cleave(body=merge.into, supervoxels=tuple(members.tolist()), into=body))
    only = cleaves[0]
    if len(cleaves) == 1 and len(only.supervoxels) <= MOST_LISTED:
        return only
    url = index_url / "mapping"
    split = fold(mapping.pairs, cleaves, lambda ulid: read_table(table_url(url, ulid)))
    return replacement(index_url, split)


def _joined_again(number: int, cleave: Cleave, mapping: Mapping) -> Merge:
    members = np.array(cleave.supervoxels, np.uint64)
    # The number itself may be one that no voxel has.
    present = _without(supervoxels_of(mapping, cleave.into), cleave.into)
    is_same = np.array_equal(present, _without(np.sort(members), cleave.into))
    owner = int(bodies_of(mapping, [cleave.body])[0])
    if not is_same or owner not in {cleave.body, cleave.into}:
        raise _changed_since(number, mapping, f"body {cleave.body} or {cleave.into}")
    return Merge(into=cleave.body, bodies=(cleave.into,))


def _without(labels: npt.NDArray[np.uint64], label: int) -> npt.NDArray[np.uint64]:
    rest: npt.NDArray[np.uint64] = labels[labels != np.uint64(label)]
    return rest


def _changed_since(number: int, mapping: Mapping, what: str) -> ConflictError:
    return ConflictError(
        f"change {number} cannot be undone as of mapping {mapping.number}: {what} was changed "
        "since; undo the later change first"
    )
