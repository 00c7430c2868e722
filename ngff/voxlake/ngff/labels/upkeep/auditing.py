"""Audit: find what was written past the index, and markers that nobody will ever close."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxlake.ngff.labels.bulk.build import BULK_AGE_S, clear_dead
from voxlake.ngff.labels.segments.cover import newest_etags, read_cover
from voxlake.ngff.labels.sidecars.trust import stored_shards, trusted_sidecar
from voxlake.ngff.labels.state import ask_in_force
from voxlake.ngff.labels.upkeep.marker import (
    close_marker,
    list_markers,
    mark_written,
    read_marker,
)
from voxlake.ngff.versioned.sweeping import is_older
from voxlake.platform.parallel import in_parallel

if TYPE_CHECKING:
    from voxlake.ngff.grid.box import Cell
    from voxlake.ngff.labels.handle import Labels
    from voxlake.ngff.labels.state import IndexState
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL

OPEN_AGE_S = 3600.0
"""Age from which the writer of an open marker is taken for dead."""

BY = "audit"


@dataclass(frozen=True, slots=True)
class Audited:
    """What an audit found."""

    shards: int
    """Shards that are stored."""
    marked: tuple[Cell, ...]
    """Those, or ones that are gone, of which the segments tell another state: marked."""
    closed: int
    """Markers of writers that are taken for dead, closed in their place."""
    cleared: int
    """Markers of bulk jobs that are taken for dead, deleted."""


def audit(
    labels: Labels,
    open_age_s: float = OPEN_AGE_S,
    bulk_age_s: float = BULK_AGE_S,
) -> Audited:
    """Mark shards that are not as the segments say, by listing them; no voxel is decoded.

    A shard with another ETag that has a sidecar is held against it, by its bytes: of a copy of the
    lake nothing is marked.

    Afterwards queries are exact again whoever wrote, and `compact` takes the marked shards in.
    Writers that mark what they write need none of this, unless they were killed.

    Parameters
    ----------
    open_age_s
        Seconds after which the writer of an open marker is surely gone.
    bulk_age_s
        Seconds without a sign of life after which a bulk job is: its marker is deleted.
    """
    covered = ask_in_force(labels, _covered)
    stored = _stored(labels.volume)
    marked = [] if covered is None else _differing(labels, covered, stored)
    _mark(labels.index_url, marked)
    closed = _close_old(labels.index_url, open_age_s)
    return Audited(len(stored), tuple(marked), closed, clear_dead(labels.index_url, bulk_age_s))


def mark_differing(labels: Labels, covered: dict[int, str]) -> list[Cell]:
    """Mark as written the shards that are not as the ETags `covered` by shard number; return them.

    Those that have a mark get no other: whoever consumes it creates a manifest, so one that is
    created afterwards, by someone who called this before, does not come to be.
    """
    marked = {marker.cell for marker in list_markers(labels.index_url)}
    differing = _differing(labels, covered, _stored(labels.volume))
    cells = [cell for cell in differing if cell not in marked]
    _mark(labels.index_url, cells)
    return cells


def _covered(state: IndexState) -> dict[int, str] | None:
    """Return the ETag of each shard that the segments tell of; None if there are none at all."""
    if state.manifest is None:
        return None
    return newest_etags(read_cover(state.index_url, segment) for segment in state.manifest.segments)


def _stored(volume: Volume) -> dict[int, str]:
    return {volume.shard_number(cell): etag for cell, etag in stored_shards(volume).items()}


def _mark(index_url: StoreURL, cells: list[Cell]) -> None:
    list(in_parallel(lambda cell: mark_written(index_url, cell, BY), cells))


def _differing(labels: Labels, covered: dict[int, str], stored: dict[int, str]) -> list[Cell]:
    """Return the shards that have another state than is `covered`, by ETag; copies have not."""
    volume = labels.volume
    numbers = sorted(
        number
        for number in covered.keys() | stored.keys()
        if covered.get(number, "") != stored.get(number, "")
    )

    def is_copied(number: int) -> bool:
        before, etag = covered.get(number), stored.get(number)
        if not before or not etag:
            return False
        cell = volume.shard_cell(number)
        known = trusted_sidecar(volume, labels.index_url, cell, etag)
        return known is not None and before in {known.origin.etag, known.origin.first_etag}

    copied = in_parallel(is_copied, numbers)
    return [
        volume.shard_cell(number)
        for number, is_one in zip(numbers, copied, strict=True)
        if not is_one
    ]


def _close_old(index_url: StoreURL, open_age_s: float) -> int:
    """Close markers that are neither done nor young; one that is damaged is made good by it."""
    old = [
        marker
        for marker in list_markers(index_url)
        if marker.cell is not None and is_older(marker.ulid, open_age_s)
    ]
    states = list(in_parallel(read_marker, old))
    closed = [
        marker
        for marker, state in zip(old, states, strict=True)
        if state is None or state.state == "open"
    ]
    for marker in closed:
        close_marker(marker, BY)
    return len(closed)
