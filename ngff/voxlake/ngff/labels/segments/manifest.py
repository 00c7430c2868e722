"""Manifests: which segments are in force, as numbered objects that are created and never changed.

``manifest/<20 digits>.json``, the number being the digits. Of any number of processes that make
number n + 1 one succeeds, on any store that can create if absent: the others begin again.
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from voxlake.ngff.memory.cache import Cached
from voxlake.ngff.versioned.checked_json import decode_checked, encode_checked
from voxlake.ngff.versioned.document import Document
from voxlake.platform import store
from voxlake.platform.errors import (
    CorruptDataError,
    ObjectExistsError,
    ObjectNotFoundError,
    StoreError,
)

if TYPE_CHECKING:
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL

ATTEMPTS = 10
"""Times that manifests are listed because the newest was swept before it was read."""

_NAME = re.compile(r"\d{20}\.json")

type Zyx = tuple[int, int, int]


class Geometry(Document):
    """What numbers of shards and chunks mean."""

    shape: Zyx
    """Voxels of the volume along z, y, x."""
    chunk: Zyx
    """Voxels of a chunk."""
    shard: Zyx
    """Voxels of a shard."""


class Boxes(Document):
    """The object ``runs/<ulid>.boxes`` beside a part: what its rows say of each label."""

    labels: int
    record: Literal[48, 80]
    """Bytes of a record."""
    crc32c: int
    """Checksum of the block index at its end; blocks have their own."""


class Part(Document):
    """One object ``runs/<ulid>.parquet`` with rows of a segment."""

    ulid: str
    first: int
    """Smallest label of its rows."""
    last: int
    """Largest label of its rows."""
    rows: int
    bytes: int
    """Size of the object."""
    footer: int
    """Size of the Parquet footer at its end, in bytes."""
    crc32: int
    """Checksum of these bytes; they hold those of the row groups."""
    boxes: Boxes


class Segment(Document):
    """Rows of all labels of some shards, and of no other shard."""

    cover: str
    """ULID of ``runs/<ulid>.cover.parquet``, which names the shards, and names the segment."""
    shards: int
    """How many shards it covers."""
    parts: tuple[Part, ...]
    """By ascending label; parts that follow one another may share a label."""

    @property
    def rows(self) -> int:
        """Rows of all parts."""
        return sum(part.rows for part in self.parts)


class Manifest(Document):
    """The segments in force."""

    spec: Literal["voxlake-label-runs/1"] = "voxlake-label-runs/1"
    """Version of manifests and segments."""
    number: int
    """Its number: of several manifests the highest holds."""
    made: datetime
    """When it was made: shards without a marker are told of as of then or later."""
    geometry: Geometry
    """Of the volume; a manifest of another geometry means nothing."""
    segments: tuple[Segment, ...] = Field(validation_alias="runs", serialization_alias="runs")
    """Oldest first: of several that cover a shard the last counts."""


_manifests = Cached[Manifest]("manifests of the label index")
_PART = 2000
"""Bytes that a part of a manifest takes in memory, about."""


def geometry_of(volume: Volume) -> Geometry:
    """Return the geometry that a manifest must have to be used for the volume."""
    return Geometry.model_validate(
        {"shape": volume.shape, "chunk": volume.chunk, "shard": volume.shard}
    )


@lru_cache(256)
def manifests_url(index_url: StoreURL) -> StoreURL:
    """Return the address of the folder of manifests."""
    return index_url / "manifest"


def manifest_url(index_url: StoreURL, number: int) -> StoreURL:
    """Return the address of a manifest."""
    return index_url / "manifest" / f"{number:020}.json"


def manifest_numbers(index_url: StoreURL) -> list[int]:
    """Return the numbers of all manifests, ascending, by listing them."""
    _, names = store.list_children(index_url / "manifest")
    return sorted(_number(name) for name in names if _NAME.fullmatch(name))


def newest_manifest(index_url: StoreURL) -> Manifest | None:
    """Return the manifest of the highest number; None if there is none at all.

    Raises
    ------
    CorruptDataError
        If it is damaged.
    StoreError
        If the store fails.
    """
    for _ in range(ATTEMPTS):
        found = store.last_object(manifests_url(index_url), _NAME.fullmatch)
        if found is None:
            return None
        try:
            return _read_once(index_url, *found)
        except ObjectNotFoundError:
            # Swept since: then there are newer ones.
            continue
    raise StoreError(f"{index_url} lists manifests that it does not have; try again later")


def read_manifest(index_url: StoreURL, number: int) -> Manifest:
    """Return the manifest of that number, of which the checksum holds."""
    url = manifest_url(index_url, number)
    return _decode(url, store.read(url).body)


def create_manifest(index_url: StoreURL, manifest: Manifest) -> bool:
    """Put the manifest in force; False if another of its number is there, or nobody follows it.

    A process that slept may create a number that was swept long ago. It is then not the highest,
    so nobody follows it, and its maker learns so: the newest does not name its segments. One that
    others have followed at once is in force as well: the newest does.
    """
    body = encode_manifest(manifest)
    url = manifest_url(index_url, manifest.number)
    try:
        store.create(url, body)
    except ObjectExistsError:
        # A request that was sent twice, because the first answer was lost, finds its own.
        if not _is(url, body):
            return False
    if manifest_numbers(index_url)[-1] == manifest.number:
        return True
    newest = newest_manifest(index_url)
    return newest is not None and set(manifest.segments) <= set(newest.segments)


def encode_manifest(manifest: Manifest) -> bytes:
    """Return the manifest as JSON with its checksum."""
    return encode_checked("manifest", manifest)


def _read_once(index_url: StoreURL, name: str, etag: str) -> Manifest:
    """Return a listed manifest; one that was read before is known by its ETag as well as its name.

    An index that was deleted and built anew has other manifests under the same names.
    """
    return _manifests.get(
        (index_url, name, etag),
        lambda: read_manifest(index_url, _number(name)),
        lambda made: 2000 + _PART * sum(len(segment.parts) for segment in made.segments),
    )


def _number(name: str) -> int:
    return int(name.partition(".")[0])


def _is(url: StoreURL, body: bytes) -> bool:
    try:
        return store.read(url).body == body
    except ObjectNotFoundError:
        return False


def _decode(url: StoreURL, body: bytes) -> Manifest:
    try:
        return decode_checked("manifest", body, Manifest)
    except ValueError as error:
        raise _damaged(url) from error


def _damaged(url: StoreURL) -> CorruptDataError:
    return CorruptDataError(
        f"the manifest {url} is damaged; delete it, then audit and compact the index"
    )
