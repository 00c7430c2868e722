"""One object: the metadata of one label, and how rows of it lie in Arrow tables."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from voxlake.ngff.labels.label_id import MAX_LABEL

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

_FIELDS: list[pa.Field[Any]] = [
    pa.field("id", pa.uint64(), nullable=False),
    pa.field("deleted", pa.bool_(), nullable=False),
    pa.field("type", pa.string(), nullable=False),
    pa.field("name", pa.string(), nullable=False),
    pa.field("author", pa.string(), nullable=False),
    pa.field("status", pa.string(), nullable=False),
    pa.field("confidence", pa.float64()),
    pa.field("parent", pa.uint64()),
    pa.field("key_values", pa.map_(pa.string(), pa.string()), nullable=False),
    pa.field("created", pa.timestamp("us", tz="UTC"), nullable=False),
    pa.field("modified", pa.timestamp("us", tz="UTC"), nullable=False),
]
SCHEMA = pa.schema(_FIELDS)
"""Columns of a segment. A row that is `deleted` says that the id has no object from here on."""

PUBLIC_SCHEMA = SCHEMA.remove(SCHEMA.get_field_index("deleted"))
"""Columns of the tables that are answered."""


class ObjectType(StrEnum):
    """Classes of RAMON, the annotation model of bossDB's ancestors, that a label can have."""

    GENERIC = "generic"
    SEGMENT = "segment"
    NEURON = "neuron"
    SYNAPSE = "synapse"
    ORGANELLE = "organelle"


class LabelObject(BaseModel):
    """What is known of one label besides its voxels.

    Examples
    --------
    >>> LabelObject(id=7, type="neuron", name="Tm3 left").type
    <ObjectType.NEURON: 'neuron'>
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: int = Field(ge=1, le=MAX_LABEL)
    """The label."""
    type: ObjectType = ObjectType.GENERIC
    name: str = Field(default="", max_length=1000)
    author: str = Field(default="", max_length=1000)
    """Who or what made it."""
    status: str = Field(default="", max_length=100)
    """A word of the project's own: "traced", "to review"."""
    confidence: float | None = Field(default=None, ge=0, le=1)
    """How sure the author is; None if nobody said."""
    parent: int | None = Field(default=None, ge=1, le=MAX_LABEL)
    """The object that it is part of."""
    key_values: dict[str, str] = Field(default_factory=dict, max_length=1000)
    created: AwareDatetime | None = None
    """When it was first put; set by the store of objects, whatever is given."""
    modified: AwareDatetime | None = None
    """When it was last put; set by the store of objects, whatever is given."""


def table_of_objects(objects: Iterable[LabelObject], now: datetime) -> pa.Table:
    """Return rows of `SCHEMA`, created and modified `now`, in the order of `objects`."""
    rows = [
        item.model_dump(mode="python")
        | {
            "type": item.type.value,
            "deleted": False,
            "key_values": sorted(item.key_values.items()),
            "created": now,
            "modified": now,
        }
        for item in objects
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def tombstones(ids: Iterable[int], now: datetime) -> pa.Table:
    """Return rows of `SCHEMA` that end the objects of `ids`."""
    blank = LabelObject(id=1).model_dump() | {"type": "", "key_values": [], "deleted": True}
    rows = [blank | {"id": label, "created": now, "modified": now} for label in ids]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def objects_of_table(table: pa.Table) -> list[LabelObject]:
    """Return the objects of a table that `get_objects` or `list_objects` answered."""
    return [
        LabelObject.model_validate(row | {"key_values": dict(row["key_values"])})
        for row in table.select(PUBLIC_SCHEMA.names).to_pylist()
    ]
