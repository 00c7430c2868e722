"""What is wrong with the metadata of an OME-Zarr."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from voxlake.documents.document import Document

type Verdict = Literal["right", "unsupported", "broken"]


class BreachDocument(Document):
    """One thing that is not as it has to be."""

    severity: Literal["MUST", "UNSUPPORTED", "SHOULD"] = Field(
        description="MUST: it breaks NGFF, or what voxlake relies on. UNSUPPORTED: voxlake does "
        "not use it. SHOULD: it can be used, but not as safely or as precisely."
    )
    rule: str = Field(description="Stable name of what was looked at.")
    where: str = Field(description="Address of the group or array.")
    text: str = Field(description="What is so.")


class ValidationDocument(Document):
    """An OME-Zarr group that was validated, with the labels in it."""

    url: str
    verdict: Verdict = Field(
        description="Broken if a MUST is broken; else unsupported if voxlake does not use it."
    )
    findings: tuple[BreachDocument, ...]
