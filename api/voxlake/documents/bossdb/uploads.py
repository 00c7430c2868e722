"""What bossDB's API answers of ingest jobs, as boss-ingest reads it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import Field

from voxlake.documents.bossdb.ingest import Job
from voxlake.documents.document import Document

if TYPE_CHECKING:
    from voxlake.platform.catalog.data.uploads import Upload

WAIT_ON_QUEUES = 6
"""A state that is only told: clients work on what they have taken."""
COMPLETING = 5
STATUSES = {
    "preparing": 0,
    "uploading": 1,
    "complete": 2,
    "deleted": 3,
    "failed": 4,
    "completing": COMPLETING,
}
"""The numbers of states in bossDB."""


_NOTHING = "Of bossDB's own services: empty."


class BossIngestJob(Document):
    """An ingest job."""

    id: int
    status: int = Field(
        description="0 preparing, 1 uploading, 2 complete, 3 deleted, 4 failed, 5 completing."
    )
    collection: str
    experiment: str
    channel: str
    creator: str
    created_on: datetime
    ingest_type: str
    resolution: int = 0
    upload_queue: str = Field(description="URL of the queue of what is to be uploaded.")
    tile_index_queue: str = Field(description="URL of the queue on which clients tell of tiles.")
    ingest_queue: str = ""
    tile_count: int = Field(description="Tiles, or chunks, of the whole job.")
    message: str = Field(description="Why it failed last.")


class BossIngestJobs(Document):
    """The ingest jobs of somebody that can be gone on with."""

    ingest_jobs: tuple[BossIngestJob, ...]


class BossCredentials(Document):
    """The keys that clients of boss-ingest upload with."""

    access_key: str
    secret_key: str


class BossJoined(Document):
    """All that a client needs to work for an ingest job."""

    ingest_job: BossIngestJob
    credentials: BossCredentials
    tile_bucket_name: str
    ingest_bucket_name: str
    KVIO_SETTINGS: dict[str, str] = Field(default_factory=dict, description=_NOTHING)
    STATEIO_CONFIG: dict[str, str] = Field(default_factory=dict, description=_NOTHING)
    OBJECTIO_CONFIG: dict[str, str] = Field(default_factory=dict, description=_NOTHING)
    resource: dict[str, str] = Field(default_factory=dict, description=_NOTHING)


class BossIngestStatus(Document):
    """How far an ingest job is."""

    id: int
    status: int
    total_message_count: int = Field(description="Tiles, or chunks, of the whole job.")
    current_message_count: int = Field(description="Those that wait, or that clients work on.")
    message: str = Field(description="Why it failed last.")


class BossCompleting(Document):
    """A job is not complete yet."""

    job_status: int = Field(description="5: ask for its status; 6: clients work on some of it.")
    wait_secs: int | None = Field(None, description="Seconds after which to ask again.")


def boss_ingest_job(upload: Upload, queues: tuple[str, str] = ("", "")) -> BossIngestJob:
    """Return an ingest job, with the URLs of its queues if they are asked for."""
    job, name = Job.model_validate_json(upload.config), upload.dataset
    return BossIngestJob(
        id=upload.id,
        status=STATUSES[upload.state],
        collection=name.collection,
        experiment=name.experiment,
        channel=name.dataset,
        creator=upload.by,
        created_on=upload.created_at,
        ingest_type=job.ingest_type,
        upload_queue=queues[0],
        tile_index_queue=queues[1],
        tile_count=job.pieces,
        message=upload.message,
    )


def boss_ingest_status(upload: Upload, left: int) -> BossIngestStatus:
    """Return how far an ingest job is, of which clients have yet to upload so much."""
    return BossIngestStatus(
        id=upload.id,
        status=STATUSES[upload.state],
        total_message_count=Job.model_validate_json(upload.config).pieces,
        current_message_count=left,
        message=upload.message,
    )
