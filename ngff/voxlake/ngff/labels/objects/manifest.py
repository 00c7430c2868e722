"""Manifests: numbered documents that name the segments in force; the newest counts."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError
from ulid import ULID

from voxlake.ngff.labels.objects.label_object import right_now
from voxlake.ngff.labels.objects.segment import Segment
from voxlake.platform import store
from voxlake.platform.errors import (
    ConflictError,
    CorruptDataError,
    ObjectExistsError,
    ObjectNotFoundError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxlake.platform.store import StoreURL

DIGITS = 20
"""Digits of a number in the name of an object, so that names sort as numbers."""
_ATTEMPTS = 300
_LONGEST_PAUSE = 0.05  # seconds


class Manifest(BaseModel):
    """The segments in force. Rows of a later one win over those of an earlier, deltas over base."""

    model_config = ConfigDict(frozen=True, extra="forbid")

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


@dataclass(frozen=True, slots=True)
class Numbered:
    """A manifest and its number; 0 if there is none yet."""

    number: int
    manifest: Manifest


def manifest_url(objects_url: StoreURL, number: int) -> StoreURL:
    """Return the address of the manifest of a number."""
    return objects_url / "manifest" / f"{number:0{DIGITS}d}.json"


def manifest_numbers(objects_url: StoreURL) -> list[int]:
    """Return the numbers of the manifests on the store, ascending."""
    names = (info.url.name for info in store.walk(objects_url / "manifest"))
    stems = (name.removesuffix(".json") for name in names if name.endswith(".json"))
    return sorted(int(stem) for stem in stems if len(stem) == DIGITS and stem.isdigit())


def read_manifest(objects_url: StoreURL, number: int) -> Manifest:
    """Return the manifest of a number.

    Raises
    ------
    ObjectNotFoundError
        If there is none.
    CorruptDataError
        If it is none that this version can read.
    """
    url = manifest_url(objects_url, number)
    try:
        return Manifest.model_validate_json(store.read(url).body)
    except ValidationError as error:
        raise CorruptDataError(
            f"{url} is not a manifest of objects ({error}); restore it from a copy of the store"
        ) from error


def newest_manifest(objects_url: StoreURL) -> Numbered:
    """Return the newest manifest; an empty one with the number 0 if there is none."""
    for _ in range(_ATTEMPTS):
        numbers = manifest_numbers(objects_url)
        if not numbers:
            return Numbered(0, Manifest())
        try:
            return Numbered(numbers[-1], read_manifest(objects_url, numbers[-1]))
        except ObjectNotFoundError:
            # So many came meanwhile that this one was swept.
            continue
    raise ConflictError(f"the manifests of {objects_url} change faster than they can be read")


def publish(objects_url: StoreURL, change: Callable[[Manifest], Manifest | None]) -> Numbered:
    """Make `change` of the newest manifest the next one, losing no other writer's.

    `change` may be called several times; None says that there is nothing to do any more.

    Raises
    ------
    ConflictError
        If others came first at every one of many attempts.
    """
    for _ in range(_ATTEMPTS):
        before = newest_manifest(objects_url)
        changed = change(before.manifest)
        if changed is None:
            return before
        marks = {"id": str(ULID()), "follows": before.manifest.id, "made": right_now()}
        after = Numbered(before.number + 1, changed.model_copy(update=marks))
        if _created(objects_url, after) and not _too_late(objects_url, after):
            return after
        time.sleep(random.uniform(0, _LONGEST_PAUSE))  # noqa: S311  (no secret)
    raise ConflictError(
        f"others changed the objects of {objects_url} {_ATTEMPTS} times in a row; try again"
    )


def _created(objects_url: StoreURL, after: Numbered) -> bool:
    url = manifest_url(objects_url, after.number)
    try:
        store.create(url, after.manifest.model_dump_json().encode())
    except ObjectExistsError:
        # A request that the client repeats, because its answer was lost, finds its own object.
        return _is_ours(objects_url, after)
    return True


def _is_ours(objects_url: StoreURL, after: Numbered) -> bool:
    try:
        return read_manifest(objects_url, after.number).id == after.manifest.id
    except ObjectNotFoundError:
        return False


def _too_late(objects_url: StoreURL, after: Numbered) -> bool:
    """Whether the number was free only because newer manifests had swept it."""
    if manifest_numbers(objects_url)[-1] == after.number:
        return False
    try:
        return read_manifest(objects_url, after.number + 1).follows != after.manifest.id
    except ObjectNotFoundError:
        # Swept as well: nothing tells whether it followed, and putting twice does no harm.
        return True
