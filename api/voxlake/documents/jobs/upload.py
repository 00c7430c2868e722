"""Uploads of whole shards by clients, of which any number share one."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from voxlake.documents.document import Document, Question

Holder = Annotated[str, StringConstraints(pattern="^[0-9A-Za-z_-]{8,64}$")]


class UploadDocument(Document):
    """An upload: the job that it is, and how shards of level 0 are coded."""

    job: str = Field(description="Its id.")
    dataset: str
    shape: tuple[int, ...] = Field(description="Of level 0, along its axes.")
    axes: tuple[str, ...]
    shard: tuple[int, ...]
    chunk: tuple[int, ...]
    dtype: str = Field(description="As NumPy has it, little-endian.")
    zstd_level: int
    zstd_checksum: bool
    index_first: bool = Field(description="Whether the index of a shard lies at its start.")
    fill: float
    shards: int = Field(description="Of level 0, numbered in C order.")
    lease_s: float = Field(description="Seconds after which shards that were taken are others'.")


class TakeQuestion(Question):
    """A client wants shards to upload, and lives: what it has stays its own, unless it leaves."""

    holder: Holder = Field(description="What the client calls itself, and no other.")
    count: int = Field(1, ge=0, le=1000)
    leaves: bool = Field(
        default=False, description="It ends: what it has is others' at once, and it gets none."
    )


class ShardsTaken(Document):
    """What a client has taken."""

    shards: tuple[int, ...]
    left: int = Field(description="Shards that are not uploaded, these and those of others too.")
