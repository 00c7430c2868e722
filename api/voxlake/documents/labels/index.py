"""The label index of labels: how much of it is true of what is stored."""

from __future__ import annotations

from pydantic import Field

from voxlake.documents.document import Document


class ByLabelDocument(Document):
    """The part of a label index that is sorted by label."""

    segments: int = Field(description="In force; 0: labels are looked for in the sidecars.")
    rows: int = Field(description="One for each label of a shard.")
    bytes: int = Field(description="Size of these rows, and of the boxes beside them.")


class IndexDocument(Document):
    """State of the label index; `shards` is the sum of `indexed`, `stale` and `missing`."""

    shards: int = Field(description="Shards of level 0 that are stored.")
    indexed: int = Field(description="Of these, those that the index describes as they are.")
    stale: int = Field(description="Those that were written anew since, or whose index is damaged.")
    missing: int = Field(description="Those that the index does not describe.")
    rows: int = Field(description="Pairs of label and chunk in the index.")
    bytes: int = Field(description="Size of these on the store.")
    url: str | None = Field(None, description="Address of the index on the store.")
    by_label: ByLabelDocument | None = Field(None, description="The same, sorted by label.")


class AuditDocument(Document):
    """What an audit of a label index found."""

    shards: int = Field(description="Shards that are stored.")
    marked: tuple[tuple[int, ...], ...] = Field(
        description="Cells z, y, x, or t, z, y, x, of the write grid of which the index told "
        "another state."
    )
    closed: int = Field(description="Marks of writers that are taken for dead.")
    cleared: int = Field(description="Marks of jobs on all labels that are taken for dead.")


class ObjectSegmentsDocument(Document):
    """Metadata of labels, after their compaction."""

    number: int = Field(description="Number of their newest manifest; 0: there is none.")
    segments: int
    rows: int = Field(description="Rows of these segments, those of deleted objects included.")


class CompactionDocument(Document):
    """What a compaction of a label index did."""

    number: int | None = Field(
        description="Number of the newest manifest, of all time points; null: there is none."
    )
    shards: int = Field(description="Shards that were taken in.")
    rows: int = Field(description="Rows, one for each label of a shard, that were taken in.")
    merged: bool = Field(description="Whether segments were merged into one.")
    swept: int = Field(description="Objects that nothing named any more, and that were deleted.")
    objects: ObjectSegmentsDocument
    mapping: int = Field(
        description="Changes of the mapping that are in a snapshot; 0: nothing is mapped."
    )
