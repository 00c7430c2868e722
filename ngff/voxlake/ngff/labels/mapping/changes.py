"""Changing a mapping: merges, cleaves, imports and snapshots, by any number of writers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ulid import ULID

from voxlake.ngff.labels.label_id import MAX_LABEL
from voxlake.ngff.labels.mapping.log import Cleave, Merge, Replace, append
from voxlake.ngff.labels.mapping.mapping import (
    Mapping,
    bodies_of,
    open_mapping,
    refresh,
    supervoxels_of,
)
from voxlake.ngff.labels.mapping.table import create_snapshot, encode, pairs_of, table_url
from voxlake.ngff.versioned.contention import until_first
from voxlake.platform import store
from voxlake.platform.errors import ConflictError, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import numpy.typing as npt

    from voxlake.ngff.labels.mapping.log import Entry, Operation
    from voxlake.ngff.labels.mapping.table import Pairs
    from voxlake.platform.store import StoreURL


def merge(index_url: StoreURL, bodies: Iterable[int], by: str = "") -> Entry:
    """Merge bodies into the first of them, and return the entry of the log.

    Bodies, not supervoxels: ask `bodies_of` for those of supervoxels that somebody points at.

    Raises
    ------
    InvalidInputError
        If they are fewer than two, one is named twice, or is no label.
    ConflictError
        If one of them is no body: it was merged or cleaved, perhaps by another writer just now.
    CorruptDataError, StoreError
        If what is stored is damaged, or the store fails; then the merge is in the log or not.
    """
    into, *rest = _labels(bodies)
    if not rest:
        raise InvalidInputError("a merge takes two bodies or more; give another one")

    def operation(mapping: Mapping) -> Operation:
        for body in (into, *rest):
            _check_body(mapping, body)
        return Merge(into=into, bodies=tuple(rest))

    return append_checked(index_url, operation, by)


def cleave(
    index_url: StoreURL,
    body: int,
    supervoxels: Iterable[int],
    into: int | None = None,
    by: str = "",
) -> Entry:
    """Make some supervoxels of a body a body of their own, and return the entry of the log.

    Parameters
    ----------
    into
        The new body: a label that no voxel and no body has, as reserving ids gives. By default
        the smallest of `supervoxels` whose number no body has.

    Raises
    ------
    InvalidInputError
        If no supervoxel is given, one is named twice or is no label, `into` is the body itself, or
        no number is free and `into` must be given.
    ConflictError
        If a supervoxel does not belong to the body, perhaps since another writer was here just
        now, or `into` is a body.
    CorruptDataError, StoreError
        If what is stored is damaged, or the store fails; then the cleave is in the log or not.
    """
    chosen = _labels(supervoxels)
    if into == body:
        raise InvalidInputError(
            f"supervoxels of {body} cannot be cleaved into {body}; give a number that nothing has"
        )

    def operation(mapping: Mapping) -> Operation:
        _check_members(mapping, body, chosen)
        target = _free(mapping, chosen) if into is None else _checked(mapping, into, chosen)
        return Cleave(body=body, supervoxels=tuple(chosen), into=target)

    return append_checked(index_url, operation, by)


def import_mapping(
    index_url: StoreURL, supervoxels: npt.ArrayLike, bodies: npt.ArrayLike, by: str = ""
) -> Entry:
    """Replace the mapping by pairs of another program, and return the entry of the log.

    What was before, changes made while the import runs included, can still be asked as of its
    number.

    Parameters
    ----------
    supervoxels, bodies
        (n,) integers, in any order. Body 0 makes a supervoxel background; what is not named is a
        body of its own.

    Raises
    ------
    InvalidInputError
        If a supervoxel has two bodies, the background has one, or a number is no label.
    StoreError
        If the store fails; then the mapping is replaced or not.
    """
    replaced = replacement(index_url, pairs_of(supervoxels, bodies))
    return append_checked(index_url, lambda _: replaced, by)


def replacement(index_url: StoreURL, pairs: Pairs) -> Replace:
    """Write a table of pairs, and return what replaces the mapping by it."""
    ulid = str(ULID())
    store.write(table_url(index_url / "mapping", ulid), encode(pairs))
    return Replace(table=ulid)


def snapshot(index_url: StoreURL) -> int:
    """Fold the log into a snapshot, so that the mapping opens faster, and return its number.

    Changes no answer, and may be done at any time by anyone.
    """
    mapping = open_mapping(index_url)
    if mapping.number:
        create_snapshot(index_url / "mapping", mapping.number, mapping.pairs)
    return mapping.number


def append_checked(
    index_url: StoreURL, operation: Callable[[Mapping], Operation], by: str
) -> Entry:
    """Append the operation, made and checked for the very mapping that it follows."""
    newest = open_mapping(index_url)

    def attempt() -> Entry | None:
        nonlocal newest
        entry = append(index_url / "mapping", newest.number + 1, operation(newest), by)
        if entry is None:
            newest = refresh(index_url, newest)
        return entry

    return until_first(attempt, f"the mapping of {index_url}")


def _labels(given: Iterable[int]) -> list[int]:
    labels = [int(label) for label in given]
    if not labels or not 0 < min(labels) <= max(labels) <= MAX_LABEL:
        raise InvalidInputError(f"{labels} are no labels; give one or more from 1 to {MAX_LABEL}")
    if len(set(labels)) < len(labels):
        raise InvalidInputError(f"{labels} name a label twice; name each once")
    return labels


def _check_body(mapping: Mapping, body: int) -> None:
    if not len(supervoxels_of(mapping, body)):
        owner = int(bodies_of(mapping, [body])[0])
        raise ConflictError(
            f"{body} is no body as of mapping {mapping.number}: its own supervoxel belongs to "
            f"{owner}; ask which bodies there are, and try again"
        )


def _check_members(mapping: Mapping, body: int, supervoxels: list[int]) -> None:
    owners = bodies_of(mapping, supervoxels)
    for supervoxel, owner in zip(supervoxels, owners.tolist(), strict=True):
        if owner != body:
            raise ConflictError(
                f"supervoxel {supervoxel} belongs to body {owner} and not to {body} as of "
                f"mapping {mapping.number}; ask which it has, and try again"
            )


def free_number(mapping: Mapping, supervoxels: list[int]) -> int | None:
    """Return the smallest of the supervoxels whose number no body has once they are gone."""
    taken = np.isin(supervoxels, _bodies_without(mapping, supervoxels))
    return min(
        (one for one, is_taken in zip(supervoxels, taken, strict=True) if not is_taken),
        default=None,
    )


def _free(mapping: Mapping, supervoxels: list[int]) -> int:
    number = free_number(mapping, supervoxels)
    if number is None:
        raise InvalidInputError(
            "each of these supervoxels has the number of a body; give the new body a number, "
            "`into`, that nothing has"
        )
    return number


def _checked(mapping: Mapping, into: int, supervoxels: list[int]) -> int:
    _labels([into])
    if np.isin(into, _bodies_without(mapping, supervoxels)):
        raise ConflictError(
            f"{into} is a body as of mapping {mapping.number}; give a number that nothing has"
        )
    return into


def _bodies_without(mapping: Mapping, supervoxels: list[int]) -> npt.NDArray[np.uint64]:
    """Return the bodies of all mapped supervoxels but the given ones."""
    rest = ~np.isin(mapping.pairs.supervoxels, np.array(supervoxels, np.uint64))
    return mapping.pairs.bodies[rest]
