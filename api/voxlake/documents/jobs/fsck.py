"""What fsck found in datasets."""

from __future__ import annotations

from pydantic import Field

from voxlake.documents.box import BoxDocument
from voxlake.documents.document import Document

ADVICE = "advice"
"""The check of what is not wrong and worth knowing."""


class FindingDocument(Document):
    """One thing that was found at one place."""

    check: str = Field(description="Stable name of what was looked at.")
    where: str = Field(description="Address of the object.")
    text: str = Field(description="What is so.")
    level: int | None = Field(None, description="Of a shard or sidecar.")
    box: BoxDocument | None = Field(None, description="Voxels that are lost with it.")
    mended: bool = False


class CheckedDataset(Document):
    """A dataset that was looked at."""

    dataset: str
    job: str = Field(description="Of the last look.")
    shards: int
    voxels: int
    seconds: float
    findings: tuple[FindingDocument, ...]
    advice: tuple[FindingDocument, ...] = Field(description="What is not wrong and worth knowing.")


class FsckDocument(Document):
    """All datasets that were looked at."""

    datasets: tuple[CheckedDataset, ...]
