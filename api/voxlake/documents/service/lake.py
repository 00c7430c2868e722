"""A lake: that it is ready, and whether everything is there that work in it needs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from voxlake.documents.document import Document
from voxlake.platform.store.selftest import Capability


class LakeDocument(Document):
    """A lake that is ready."""

    lake: str
    made: bool = Field(description="False: it was there before.")
    datasets: int = Field(description="Datasets in its catalog.")
    restored: tuple[str, ...] = Field(
        description="Datasets that the store holds and the catalog did not know."
    )
    faults: dict[str, str] = Field(
        description="Groups below it that are damaged or no datasets, and what is wrong with each."
    )
    forgotten: tuple[str, ...] = Field(
        (), description="Datasets that the catalog knew and the store does not hold any more."
    )
    store: tuple[Capability, ...] = Field(
        description="What it was tried for; nothing, if it cannot be written."
    )


class CheckDocument(Document):
    """One thing that was looked at."""

    name: str
    state: Literal["ok", "warn", "fail"]
    found: str
    advice: str | None = None


class DoctorDocument(Document):
    """The outcome of all checks."""

    ok: bool = Field(description="Whether none fails; warnings are no failures.")
    checks: tuple[CheckDocument, ...]
