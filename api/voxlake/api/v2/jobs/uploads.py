"""Uploads of local data: begun or joined, shared by clients, finished by a worker."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request

from voxlake.api.guards.datasets import NamePart
from voxlake.api.guards.jobs import MayUploadTo
from voxlake.api.guards.places import MayAddToExperiment
from voxlake.api.http.answers.problems import FORBIDDEN, NOT_ALLOWED, documented
from voxlake.api.http.requests.intake import JsonBody
from voxlake.api.jobs import uploading
from voxlake.documents.jobs.job import JobDocument
from voxlake.documents.jobs.upload import ShardsTaken, TakeQuestion, UploadDocument
from voxlake.documents.places.asked import EmptyQuestion

router = APIRouter(prefix="/v2", tags=["jobs"])

ShardNumber = Annotated[int, Path(ge=0, lt=2**62, description="Of level 0, in C order.")]
CLOSED = documented(
    409, "Nothing more is to be uploaded: it is finished, or given up, or its dataset is deleted."
)


@router.post(
    "/uploads/{collection}/{experiment}/{dataset}",
    summary="Begin an upload, or join it",
    responses=FORBIDDEN
    | documented(409, "There is a dataset of that name, or it is another.")
    | documented(413, "More voxels than an upload may have."),
)
async def begin_upload(
    request: Request,
    granted: MayAddToExperiment,
    dataset: NamePart,
    asked: Annotated[EmptyQuestion, Depends(JsonBody(EmptyQuestion))],
) -> UploadDocument:
    """Make a dataset, which the asker owns, of shards that clients code and send whole.

    It is not ready before all are there and a worker has made its levels and label index. Who asks
    for the same joins.
    """
    return await uploading.begin(request, granted, dataset, asked)


@router.get("/jobs/{job_id}/upload", summary="Join an upload", responses=NOT_ALLOWED | CLOSED)
async def get_upload(request: Request, granted: MayUploadTo) -> UploadDocument:
    """Return how the shards of an upload are coded."""
    return await uploading.describe(request, granted)


@router.post(
    "/jobs/{job_id}/upload/take", summary="Take shards to upload", responses=NOT_ALLOWED | CLOSED
)
async def take_shards(
    granted: MayUploadTo, asked: Annotated[TakeQuestion, Depends(JsonBody(TakeQuestion))]
) -> ShardsTaken:
    """Lease shards to a client, and renew the leases that it has.

    What a client has that is not heard of is given to others when its leases are over; of one that
    leaves, at once.
    """
    return await uploading.take(granted, asked)


@router.put(
    "/jobs/{job_id}/upload/shards/{shard}",
    summary="Upload a shard",
    status_code=204,
    responses=NOT_ALLOWED
    | documented(409, "Other voxels are there, or nothing more is to be uploaded.")
    | documented(413, "It is larger than the server takes."),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/octet-stream": {"schema": {"type": "string"}}},
        }
    },
)
async def put_shard(request: Request, granted: MayUploadTo, shard: ShardNumber) -> None:
    """Store the object of a shard, as zarr has it; an empty one is all fill.

    Every chunk of it is looked at, and a `Content-Digest` or `Repr-Digest` is checked. The same
    again is no error.
    """
    await uploading.receive(request, granted, shard)


@router.post(
    "/jobs/{job_id}/upload/finish",
    summary="Finish an upload",
    status_code=202,
    responses=NOT_ALLOWED | documented(409, "Shards are yet to be uploaded."),
)
async def finish_upload(granted: MayUploadTo) -> JobDocument:
    """Have a worker make levels and label index of a dataset all of whose shards are there."""
    return await uploading.finish(granted)
