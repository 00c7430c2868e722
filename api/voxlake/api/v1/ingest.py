"""Ingest jobs, as boss-ingest begins them, joins them, and completes them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import Response

from voxlake.api.data.writing import uploads as data
from voxlake.api.guards.askers import SignedIn
from voxlake.api.guards.datasets import grant
from voxlake.api.guards.uploads import MayUpload
from voxlake.api.http.requests.intake import LaxBody
from voxlake.api.places.channels import frame_of
from voxlake.api.v1.routers import boss_router
from voxlake.documents.bossdb.ingest import Config
from voxlake.documents.bossdb.uploads import (
    COMPLETING,
    WAIT_ON_QUEUES,
    BossCompleting,
    BossCredentials,
    BossIngestJob,
    BossIngestJobs,
    BossIngestStatus,
    BossJoined,
    boss_ingest_job,
    boss_ingest_status,
)
from voxlake.platform.access import AddVoxels

router = boss_router("/ingest")

WAIT_S = 10
"""Seconds after which a client asks again whether what others have taken is uploaded."""


@router.post("", summary="Begin an ingest job", status_code=201)
async def begin(
    request: Request, _: SignedIn, config: Annotated[Config, Depends(LaxBody(Config))]
) -> BossIngestJob:
    """Begin an ingest job by a configuration of boss-ingest, into a channel that there is."""
    where = config.database
    parts = (where.collection, where.experiment, where.channel)
    granted = await grant(request.scope, parts, AddVoxels)
    upload = await data.begin(granted, config, await frame_of(granted))
    return boss_ingest_job(upload)


@router.get("", summary="List ingest jobs")
async def list_jobs(asker: SignedIn) -> BossIngestJobs:
    """Return the ingest jobs of the asker that can be gone on with."""
    found = await data.list_uploads(asker)
    return BossIngestJobs(ingest_jobs=tuple(map(boss_ingest_job, found)))


@router.get("/{job}", summary="Join an ingest job")
async def join(own: MayUpload) -> BossJoined:
    """Return where a client finds what it is to upload, where to, and with which keys.

    One that failed is not joined: the client would end without a word of why.
    """
    data.check_not_failed(own)
    place = data.upload_place(own.granted.gateway.settings)
    bucket = place.store.root
    return BossJoined(
        ingest_job=boss_ingest_job(own.upload, await data.queue_urls(own)),
        credentials=BossCredentials(access_key=place.access_key, secret_key=place.secret_key),
        tile_bucket_name=bucket,
        ingest_bucket_name=bucket,
    )


@router.get("/{job}/status", summary="Tell how far an ingest job is")
async def get_status(own: MayUpload) -> BossIngestStatus:
    """Return how far an ingest job is."""
    waiting = await data.waiting(own)
    return boss_ingest_status(own.upload, waiting.visible + waiting.in_flight)


@router.post(
    "/{job}/complete",
    summary="Complete an ingest job",
    status_code=202,
    response_model=BossCompleting,
    responses={204: {"description": "It is complete."}},
)
async def complete(own: MayUpload) -> BossCompleting | Response:
    """Have a worker look for what is missing, and if nothing is write all to the channel.

    What is missing is on the queue again, once the status is 1.
    """
    match await data.complete(own):
        case "complete":
            return Response(status_code=204)
        case "in flight":
            return BossCompleting(job_status=WAIT_ON_QUEUES, wait_secs=WAIT_S)
        case _:
            return BossCompleting(job_status=COMPLETING)


@router.delete("/{job}", summary="Cancel an ingest job", status_code=204)
async def cancel(own: MayUpload) -> None:
    """Give an ingest job up; what it has written stays."""
    await data.delete(own)
