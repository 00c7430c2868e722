"""Merges and cleaves of bodies that are there: what is asked for is held against the voxels."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from voxlake.ngff.labels.mapping import changes
from voxlake.ngff.labels.mapping.mapping import open_mapping, supervoxels_of
from voxlake.platform.errors import ConflictError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxlake.ngff.labels.handle import Labels
    from voxlake.ngff.labels.mapping.log import Entry


def merge(labels: Labels, bodies: Sequence[int], by: str = "") -> Entry:
    """Merge bodies into the first of them, and return the entry of the log.

    Raises
    ------
    NotFoundError
        If no voxel has one of them.
    InvalidInputError, ConflictError
        As `changes.merge`.
    """
    mapping = open_mapping(labels.index_url)
    # What is no body, as it was merged, has no voxels of its own: that is said with the merge.
    alive = [body for body in bodies if len(supervoxels_of(mapping, body))]
    _check_there(replace(labels, mapping=mapping), alive)
    return changes.merge(labels.index_url, bodies, by)


def cleave(
    labels: Labels, body: int, supervoxels: Sequence[int], into: int | None = None, by: str = ""
) -> Entry:
    """Make some supervoxels of a body a body of their own, and return the entry of the log.

    Raises
    ------
    NotFoundError
        If no voxel has one of the supervoxels.
    ConflictError
        If voxels have the number `into`; and as `changes.cleave`.
    InvalidInputError
        As `changes.cleave`.
    """
    unmapped = replace(labels, mapping=None)
    _check_there(unmapped, supervoxels)
    # What is asked of its own body, or its own supervoxels, is said with the cleave.
    if into is not None and into not in (body, *supervoxels) and not _missing(unmapped, [into]):
        raise ConflictError(f"{into} is a label that voxels have; give a number that nothing has")
    return changes.cleave(labels.index_url, body, supervoxels, into, by)


def _check_there(labels: Labels, asked: Sequence[int]) -> None:
    missing = _missing(labels, asked)
    if missing:
        raise NotFoundError(f"no voxel has {missing[0]}; ask for labels that there are")


def _missing(labels: Labels, asked: Sequence[int]) -> list[int]:
    """Return those of the labels that no voxel has, at any time point."""
    there = set[int]()
    for each in labels.each_time():
        there.update(each.ask(lambda view: view.find(asked)).labels.tolist())
        if there.issuperset(asked):
            break
    return [label for label in asked if label not in there]
