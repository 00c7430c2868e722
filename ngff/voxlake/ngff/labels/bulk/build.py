"""Bulk jobs: the segments of a whole dataset, built by many tasks and put in force at once.

A job marks the dataset (``dirty/all.<job>``) before its first task, and keeps what its tasks hand
to one another below ``building/<job>/``. What it publishes comes in the place of the segments that
were in force when it began, below all that were added since, and only after every shard was held
against the covers: one that differs is marked. So neither a job that was cut off anywhere, nor
two at once, nor compactions meanwhile make an answer wrong. The steps of a job:

1. `begin_bulk`;
2. `write_fragment` (see `bulk_fragment`) for each of some fragments, in any order;
3. `choose_pieces` (see `bulk_pieces`), then `write_range` for each of as many ranges;
4. `publish_bulk` (see `bulk_publish`); or `clear_bulk`, to give the job up.

Each may be cut off and done again, at the same time even: documents are created if absent, so
the first that is written counts, and what it names never changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ulid import ULID

from voxlake.ngff.labels.scan.rows import check_labels
from voxlake.ngff.labels.segments.manifest import geometry_of, newest_manifest
from voxlake.ngff.labels.segments.publishing import publish
from voxlake.ngff.labels.upkeep.marker import (
    BulkState,
    bulk_marker,
    list_markers,
    read_bulk,
    write_bulk,
)
from voxlake.ngff.versioned import document
from voxlake.ngff.versioned.contention import until_first
from voxlake.ngff.versioned.document import Form
from voxlake.platform import store
from voxlake.platform.errors import ConflictError, ObjectNotFoundError

if TYPE_CHECKING:
    from voxlake.ngff.labels.handle import Labels
    from voxlake.ngff.versioned.document import Document
    from voxlake.platform.store import StoreURL

BULK_AGE_S = 7 * 24 * 3600.0
"""Seconds without a sign of life after which a bulk job is taken for dead."""

RENEW_S = 3600.0
"""A marker that says less than so many seconds ago is not written again."""


@dataclass(frozen=True, slots=True)
class Build:
    """A bulk job on the index of labels."""

    labels: Labels
    job: str
    """ULID of the job: it names the marker, the scratch and the segment."""
    fragments: int
    """Into how many fragments the shards are cut, and labels into as many ranges at most."""

    @property
    def scratch(self) -> StoreURL:
        """Where tasks keep what they hand to one another: an index of segments of its own."""
        return building_url(self.labels.index_url) / self.job


def begin_bulk(labels: Labels, job: str, by: str) -> None:
    """Mark the dataset as one that a bulk job works on; go on with the mark if it is there.

    Nothing is merged from then on, and queries by label say that they are of the newest manifest.
    A job that has published already gets no mark.

    Raises
    ------
    ConflictError
        If other processes compact so often that this one is never first.
    """
    check_labels(labels.volume)
    marker = bulk_marker(labels.index_url, job)
    said = read_bulk(marker)
    if said is not None and said.replaces:
        write_bulk(marker, said.model_copy(update={"at": datetime.now(UTC)}))
        return
    newest = newest_manifest(labels.index_url)
    if newest is not None and job in {segment.cover for segment in newest.segments}:
        return
    state = BulkState(by=by, at=datetime.now(UTC), manifest=None, replaces=())
    write_bulk(marker, state)
    before = until_first(lambda: _closed_to_merges(labels), f"the index {labels.index_url}")
    if before:
        write_bulk(marker, state.model_copy(update=before))


def renew_bulk(index_url: StoreURL, job: str) -> None:
    """Give a sign of life, if the last is old and the marker still there."""
    marker = bulk_marker(index_url, job)
    state, now = read_bulk(marker), datetime.now(UTC)
    if state is not None and now - state.at > timedelta(seconds=RENEW_S):
        write_bulk(marker, state.model_copy(update={"at": now}))


def clear_bulk(index_url: StoreURL, job: str) -> None:
    """Delete scratch and marker of a job that has published, or is given up."""
    store.delete_tree(building_url(index_url) / job)
    store.delete(bulk_marker(index_url, job).url)


def clear_dead(index_url: StoreURL, age_s: float) -> int:
    """Delete the markers of bulk jobs without a sign of life for `age_s` seconds; count them.

    Such a job can be resumed nevertheless: it is marked again then.
    """
    limit, dead = datetime.now(UTC) - timedelta(seconds=age_s), 0
    for marker in list_markers(index_url):
        if marker.cell is not None:
            continue
        state = read_bulk(marker)
        if state is None:
            # Damaged: when its job began is in its name.
            made = ULID.from_str(marker.ulid).datetime
            state = BulkState(by="", at=made, manifest=None, replaces=())
        if state.at < limit:
            store.delete(marker.url)
            dead += 1
    return dead


def building_url(index_url: StoreURL) -> StoreURL:
    """Return the folder of the scratch of all jobs."""
    return index_url / "building"


def form_of[T: Document](kind: type[T]) -> Form[T]:
    """Return how documents of a job lie in its scratch."""
    return Form(kind, "cancel the job that wrote it, and index again")


def read_document[T: Document](form: Form[T], url: StoreURL) -> T:
    """Return a document of a job, of which the checksum holds.

    Raises
    ------
    ConflictError
        If there is none.
    """
    try:
        return document.read(form, url)
    except ObjectNotFoundError as error:
        raise ConflictError(
            f"{url} is not there: its task was not done, or it was swept since, because the job "
            "stood still for days; index again"
        ) from error


def _closed_to_merges(labels: Labels) -> dict[str, Any] | None:
    """Offer the newest manifest again, of which no merge that began before can take the place then.

    One that lists markers from now on sees the job's. One that listed them before offers the
    number that is taken here, and has to look again. Returns what the marker has to say of the
    manifest, nothing if there is none, and None if another process was first.
    """
    newest = newest_manifest(labels.index_url)
    if newest is None or newest.geometry != geometry_of(labels.volume):
        return {}
    again = publish(labels, newest, newest.segments)
    if again is None:
        return None
    covers = tuple(segment.cover for segment in again.segments)
    return {"manifest": again.number, "replaces": covers}
