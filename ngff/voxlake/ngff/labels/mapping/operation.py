"""Operations: what one entry of the log does to a mapping."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from voxlake.ngff.labels.label_id import MAX_LABEL
from voxlake.ngff.versioned.document import Document

type Label = Annotated[int, Field(ge=1, le=MAX_LABEL)]


class Merge(Document):
    """All supervoxels of `bodies` belong to the body `into` from here on."""

    kind: Literal["merge"] = "merge"
    into: Label
    bodies: tuple[Label, ...]
    """The bodies that end."""


class Cleave(Document):
    """Some `supervoxels` of the body `body` are a body of their own, `into`, from here on."""

    kind: Literal["cleave"] = "cleave"
    body: Label
    supervoxels: tuple[Label, ...]
    into: Label


class Replace(Document):
    """The mapping is that of a table from here on, whatever it was."""

    kind: Literal["replace"] = "replace"
    table: str = Field(pattern="^[0-9A-HJKMNP-TV-Z]{26}$")
    """ULID of ``mapping/tables/<ulid>.parquet``."""


type Operation = Annotated[Merge | Cleave | Replace, Field(discriminator="kind")]


class Entry(Document):
    """One entry of the log."""

    spec: Literal["voxlake-label-mapping/1"] = "voxlake-label-mapping/1"
    """Version of the form of the log."""
    id: str
    """Its own, whatever its number: a writer knows its entry by it."""
    number: int = Field(ge=1)
    """Number of the mapping after it."""
    by: str = ""
    """Who asked for it."""
    at: AwareDatetime
    operation: Operation
