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
