"""Manifests: which segments are in force, as numbered documents."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from voxlake.ngff.memory.cache import Cached
from voxlake.ngff.versioned import numbered
from voxlake.ngff.versioned.document import Document, Form

if TYPE_CHECKING:
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL

REBUILD = "delete the folders runs and manifest of the index, and compact it"
"""What to do about segments that are damaged or gone."""

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
    """The object ``runs/<ulid>.boxes`` beside a file: what its rows say of each label."""

    labels: int
    record: Literal[48, 80]
    """Bytes of a record."""
    crc32c: int
    """Checksum of the block index at its end; blocks have their own."""


class SegmentFile(Document):
    """One object ``runs/<ulid>.parquet`` with rows of a segment: a `SortedFile` of labels."""

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
    files: tuple[SegmentFile, ...] = Field(validation_alias="parts", serialization_alias="parts")
    """By ascending label; files that follow one another may share a label."""

    @property
    def rows(self) -> int:
        """Rows of all files."""
        return sum(file.rows for file in self.files)

    @property
    def ulids(self) -> tuple[str, ...]:
        """Names of its objects."""
        return (self.cover, *(file.ulid for file in self.files))


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


MANIFESTS = Form(
    Manifest,
    "delete it, then audit and compact the index",
    key="manifest",
    cached=Cached("manifests of the label index"),
)


def geometry_of(volume: Volume) -> Geometry:
    """Return the geometry that a manifest must have to be used for the volume."""
    return Geometry.model_validate(
        {"shape": volume.shape, "chunk": volume.chunk, "shard": volume.shard}
    )


@lru_cache(256)
def manifests_url(index_url: StoreURL) -> StoreURL:
    """Return the address of the folder of manifests."""
    return index_url / "manifest"


def newest_manifest(index_url: StoreURL) -> Manifest | None:
    """Return the manifest of the highest number; None if there is none at all."""
    newest = numbered.newest(MANIFESTS, manifests_url(index_url))
    return newest.document if newest else None
