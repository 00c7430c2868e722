"""The demo: sample data as two datasets of a lake."""

from __future__ import annotations

from pydantic import Field

from voxlake.documents.datasets.dataset import DatasetDocument
from voxlake.documents.document import Document
from voxlake.documents.jobs.job import JobDocument
from voxlake.documents.service.gateway import ServingDocument


class DemoDataset(Document):
    """One dataset of the demo."""

    dataset: DatasetDocument
    ingest: JobDocument | None = Field(description="Null: it was complete before.")
    labels: int | None = Field(description="Labels: how many there are.")
    verified: bool = Field(
        description="Whether every voxel equals its source, and every level the one below it."
    )


class DemoDocument(Document):
    """The demo, as it went."""

    lake: str
    sample: str
    credit: str
    licence: str
    datasets: tuple[DemoDataset, ...] = Field(description="Image and labels.")
    verified: bool = Field(description="Whether both are.")
    serving: ServingDocument | None = None
    public_viewer: str | None = Field(
        None, description="A link to the public viewer, where the gateway has none of its own."
    )
