"""Manifests: numbered documents that name the segments in force; the newest counts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from pydantic import AwareDatetime
from ulid import ULID

from voxlake.ngff.labels.objects.segment import Segment
from voxlake.ngff.memory.cache import Cached
from voxlake.ngff.versioned import document, numbered
from voxlake.ngff.versioned.contention import until_first
from voxlake.ngff.versioned.document import Document, Form
from voxlake.ngff.versioned.numbered import Numbered, numbered_url
from voxlake.platform.errors import CorruptDataError, ObjectNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxlake.platform.store import StoreURL


class Manifest(Document):
    """The segments in force. Rows of a later one win over those of an earlier, deltas over base."""

    spec: Literal["voxlake-label-objects/1"] = "voxlake-label-objects/1"
    """Version of the form of manifests and segments."""
    id: str = ""
    """Its own, whatever its number: a writer knows its manifest by it."""
    follows: str = ""
    """The id of the manifest that it was made from; empty for the first."""
    made: AwareDatetime | None = None
    base: tuple[Segment, ...] = ()
    """Segments that share no id, and hold no deleted rows."""
    deltas: tuple[Segment, ...] = ()
    """Segments put since, oldest first."""

    @property
    def segments(self) -> tuple[Segment, ...]:
        """All of them, oldest first."""
        return (*self.base, *self.deltas)


MANIFESTS = Form(
    Manifest, "restore it from a copy of the store", cached=Cached("manifests of objects")
)


def newest_manifest(objects_url: StoreURL) -> Numbered[Manifest]:
    """Return the newest manifest; an empty one with the number 0 if there is none."""
    return numbered.newest(MANIFESTS, objects_url / "manifest") or Numbered(0, Manifest())


def of_newest[T](objects_url: StoreURL, ask: Callable[[Numbered[Manifest]], T]) -> T:
    """Return what `ask` finds in the newest manifest; again if a compaction swept its segments.

    Raises
    ------
    CorruptDataError
        If the newest manifest names a segment that is not there.
    """
    state = newest_manifest(objects_url)
    while True:
        try:
            return ask(state)
        except ObjectNotFoundError as error:
            asked, state = state, newest_manifest(objects_url)
            if state.number == asked.number:
                raise CorruptDataError(
                    f"the newest manifest of {objects_url} names a segment that is not there "
                    f"({error}); restore it from a copy of the store"
                ) from error


def publish(
    objects_url: StoreURL, change: Callable[[Manifest], Manifest | None]
) -> Numbered[Manifest]:
    """Make `change` of the newest manifest the next one, losing no other writer's.

    `change` may be called several times; None says that there is nothing to do any more.

    Raises
    ------
    ConflictError
        If others came first at every one of many attempts.
    """
    return until_first(lambda: _publish(objects_url, change), f"the objects of {objects_url}")


def _publish(
    objects_url: StoreURL, change: Callable[[Manifest], Manifest | None]
) -> Numbered[Manifest] | None:
    """Do it once; None if another writer was first."""
    before = newest_manifest(objects_url)
    changed = change(before.document)
    if changed is None:
        return before
    marks = {"id": str(ULID()), "follows": before.document.id, "made": datetime.now(UTC)}
    after = Numbered(before.number + 1, changed.model_copy(update=marks))
    counts = numbered.create_next(
        MANIFESTS, objects_url / "manifest", after, lambda: _is_followed(objects_url, after)
    )
    return after if counts else None


def _is_followed(objects_url: StoreURL, after: Numbered[Manifest]) -> bool:
    """Whether the next manifest was made from this one; if not, this number had been swept."""
    try:
        url = numbered_url(objects_url / "manifest", after.number + 1)
        return document.read(MANIFESTS, url).follows == after.document.id
    except ObjectNotFoundError:
        # Swept as well: nothing tells whether it followed, and putting twice does no harm.
        return False
