"""What a job would do, told before it is started."""

from __future__ import annotations

from pydantic import Field

from voxlake.documents.document import Document
from voxlake.documents.jobs.plan import PlanDocument, Requests


class PlannedWork(Document):
    """One stage that a job would have."""

    name: str
    tasks: int
    voxels: int = Field(description="Voxels that its tasks write or compare.")
    memory_bytes: int = Field(description="Projected peak of a task.")


class JobPlan(Document):
    """What a job would do, and take; nothing of it is begun."""

    kind: str
    dataset: str
    refused: str | None = Field(
        None, description="Why it would not be started, and what to do; null: it would."
    )
    stages: tuple[PlannedWork, ...] = ()
    shards: int | None = Field(
        None, description="That are written, compared or deleted at most; null: it is not known."
    )
    voxels: int | None = Field(None, description="In them; null: it is not known.")
    bytes: int | None = Field(
        None, description="That are stored, estimated, or deleted; null: it is not known."
    )
    requests: Requests | None = Field(None, description="To the store; null: it is not known.")
    forecast: PlanDocument | None = Field(
        None, description="All that is known of one that writes voxels, by a sample."
    )
    warnings: tuple[str, ...] = Field((), description="What to know before it is started.")
