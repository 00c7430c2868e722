"""Writes of voxels: what is stored by now."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from voxlake.documents.document import Document

type Merge = Literal["overwrite", "keep"]
"""What becomes of the voxels that are there: `keep` keeps them where what is sent is 0."""


class ShardDocument(Document):
    """A shard as it is stored."""

    cell: tuple[int, ...] = Field(description="Its place in the grid of shards.")
    etag: str = Field(description="ETag of its object; empty if it is not stored, all fill.")


class WrittenDocument(Document):
    """Voxels that were written: durable, indexed, and seen by every reader."""

    etag: str = Field(
        description="Of the shards of the box, for `If-Match` of the next write to the same box."
    )
    shards: tuple[ShardDocument, ...] = Field(description="Those that the box touches.")
