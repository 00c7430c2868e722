"""Operations: what one entry of the log does to a mapping."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

MAX_LABEL = (1 << 64) - 1

type Label = Annotated[int, Field(ge=1, le=MAX_LABEL)]


class Merge(BaseModel):
    """All supervoxels of `bodies` belong to the body `into` from here on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["merge"] = "merge"
    into: Label
    bodies: tuple[Label, ...]
    """The bodies that end."""


class Cleave(BaseModel):
    """Some `supervoxels` of the body `body` are a body of their own, `into`, from here on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["cleave"] = "cleave"
    body: Label
    supervoxels: tuple[Label, ...]
    into: Label


class Replace(BaseModel):
    """The mapping is that of a table from here on, whatever it was."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["replace"] = "replace"
    table: str = Field(pattern="^[0-9A-HJKMNP-TV-Z]{26}$")
    """ULID of ``mapping/tables/<ulid>.parquet``."""


type Operation = Annotated[Merge | Cleave | Replace, Field(discriminator="kind")]


class Entry(BaseModel):
    """One entry of the log."""

    model_config = ConfigDict(frozen=True, extra="forbid")

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
