"""Markers: which shards are, or may be, newer than the segments say.

A writer marks a shard before it writes to it (open), and again when shard and sidecar are
written (done). Whatever happens to the writer, the marker stays until a compaction has taken the
shard into a segment: a reader that lists the markers first never believes an outdated row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from ulid import ULID

from voxlake.ngff.versioned import document
from voxlake.ngff.versioned.document import Document, Form
from voxlake.platform import store
from voxlake.platform.errors import CorruptDataError, ObjectNotFoundError

if TYPE_CHECKING:
    from voxlake.ngff.grid.box import Cell
    from voxlake.platform.store import StoreURL

_NAME = re.compile(r"(?:(all)|(\d+)\.(\d+)\.(\d+))\.([0-9A-HJKMNP-TV-Z]{26})")


class MarkerState(Document):
    """What a marker says: ``dirty/<z>.<y>.<x>.<ulid>``."""

    state: Literal["open", "done"]
    """Open while the shard may still be written by whoever made the marker."""
    by: str
    """Who made it: a user, a job."""
    at: datetime
    """When it got this state."""


class BulkState(Document):
    """What the marker of a bulk job says: ``dirty/all.<job>``."""

    by: str
    """Who runs the job."""
    at: datetime
    """When it was last known to live."""
    manifest: int | None
    """Number of the manifest in force when it began; None if there was none."""
    replaces: tuple[str, ...]
    """Covers of the segments of that manifest, in whose place its own segment comes."""


MARKERS = Form(MarkerState, "audit the index")
BULK_MARKERS = Form(BulkState, "resume the job, or audit the index")


@dataclass(frozen=True, slots=True)
class Marker:
    """The name of a marker: one write to one shard, or a bulk job on them all."""

    url: StoreURL
    cell: Cell | None
    """Index of the shard in the write grid; None for a bulk job."""
    ulid: str
    """Its own, sorted by the time of its making; of a bulk job, that of the job."""


def open_marker(index_url: StoreURL, cell: Cell, by: str) -> Marker:
    """Mark the shard at `cell` as being written; the marker is durable when this returns."""
    marker = _new_marker(index_url, cell)
    _put(marker, "open", by)
    return marker


def mark_written(index_url: StoreURL, cell: Cell, by: str) -> None:
    """Mark the shard at `cell` as written by someone who left no marker."""
    close_marker(_new_marker(index_url, cell), by)


def close_marker(marker: Marker, by: str) -> None:
    """Say that whoever made the marker writes no more; it then waits for a compaction."""
    _put(marker, "done", by)


def bulk_marker(index_url: StoreURL, job: str) -> Marker:
    """Return the name of the marker of a bulk job, there or not."""
    return Marker(index_url / "dirty" / f"all.{job}", None, job)


def write_bulk(marker: Marker, state: BulkState) -> None:
    """Write the marker of a bulk job, or what it says; it is durable when this returns."""
    document.write(BULK_MARKERS, marker.url, state)


def read_bulk(marker: Marker) -> BulkState | None:
    """Return what the marker of a bulk job says; None if it is not there, or damaged."""
    return _read(BULK_MARKERS, marker)


def list_markers(index_url: StoreURL) -> list[Marker]:
    """Return all markers by listing them, without reading what they say."""
    folder = _folder(index_url)
    markers = (_marker(folder / name) for name in store.list_children(folder)[1])
    return [marker for marker in markers if marker is not None]


def has_bulk_job(index_url: StoreURL) -> bool:
    """Return whether a bulk job has a marker."""
    return any(marker.cell is None for marker in list_markers(index_url))


def read_marker(marker: Marker) -> MarkerState | None:
    """Return what a marker of a shard says; None if it was deleted meanwhile, or is damaged.

    Neither may be taken for done.
    """
    return _read(MARKERS, marker)


def _read[T: Document](form: Form[T], marker: Marker) -> T | None:
    try:
        return document.read(form, marker.url)
    except (ObjectNotFoundError, CorruptDataError):
        return None


@lru_cache(256)
def _folder(index_url: StoreURL) -> StoreURL:
    return index_url / "dirty"


def _new_marker(index_url: StoreURL, cell: Cell) -> Marker:
    ulid = str(ULID())
    return Marker(index_url / "dirty" / f"{'.'.join(map(str, cell))}.{ulid}", cell, ulid)


def _put(marker: Marker, state: Literal["open", "done"], by: str) -> None:
    document.write(MARKERS, marker.url, MarkerState(state=state, by=by, at=datetime.now(UTC)))


def _marker(url: StoreURL) -> Marker | None:
    """Return the marker of that name; None for what is none: a file that a crash left behind."""
    match = _NAME.fullmatch(url.key.rpartition("/")[2])
    if match is None:
        return None
    bulk, z, y, x, ulid = match.groups()
    return Marker(url, None if bulk else (int(z), int(y), int(x)), ulid)
