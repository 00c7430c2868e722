"""Jobs: planned, started, watched, gone on with, given up."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import StreamingResponse

from voxlake.api.guards.askers import Limit, SignedIn
from voxlake.api.guards.jobs import MayManage, MayWatch
from voxlake.api.guards.places import Anybody
from voxlake.api.http.answers.problems import BINARY, FORBIDDEN, NOT_ALLOWED, documented
from voxlake.api.http.requests.intake import JsonBody
from voxlake.api.jobs import asking, changing, events, looking, watching
from voxlake.documents.jobs.asked import JobQuestion, LookQuestion
from voxlake.documents.jobs.job import JobDocument, JobList, JobLog, StateOfJob
from voxlake.documents.places.asked import DatasetText

router = APIRouter(prefix="/v2/jobs", tags=["jobs"])

JOB_ID = "[0-9A-HJKMNP-TV-Z]{26}"
AfterJob = Annotated[
    str, Query(pattern=f"^({JOB_ID})?$", description="Only those older than this one.")
]


@router.get("", summary="List jobs")
async def list_jobs(
    asker: Anybody,
    limit: Limit = 100,
    after: AfterJob = "",
    dataset: Annotated[DatasetText | None, Query(description="Only those on this one.")] = None,
    state: Annotated[list[StateOfJob], Query(description="Only those in one of them.")] = [],  # noqa: B006  (FastAPI copies it)
) -> JobList:
    """Return the jobs on datasets that the asker may read, newest first, a page of them."""
    return await watching.list_jobs(asker, limit, after, dataset, tuple(state))


@router.post("/look", summary="Look at a source", status_code=202, responses=NOT_ALLOWED)
async def look_at_source(
    asker: SignedIn, asked: Annotated[LookQuestion, Depends(JsonBody(LookQuestion))]
) -> JobDocument:
    """Have a worker tell what lies where a source is said to be, before an ingest is planned.

    Who may add to the experiment may ask. Answered is the job that looks: once it is done, its
    `look` says what was found, and `/picture` draws the middle slice.
    """
    return await asking.look(asker, asked)


@router.post(
    "/plan",
    summary="Plan a job",
    status_code=202,
    responses=NOT_ALLOWED,
)
async def plan_job(
    request: Request,
    asker: SignedIn,
    asked: Annotated[JobQuestion, Depends(JsonBody(JobQuestion))],
) -> JobDocument:
    """Have a worker tell what a job would do and take; nothing of it is started.

    Answered is the job that finds it out: once it is done, its `plan` says it.
    """
    return await asking.plan(request.scope, asker, asked)


@router.post(
    "",
    summary="Start a job",
    status_code=202,
    responses=NOT_ALLOWED
    | documented(409, "The dataset is not ready, or is there and was to be made."),
)
async def start_job(
    request: Request,
    asker: SignedIn,
    asked: Annotated[JobQuestion, Depends(JsonBody(JobQuestion))],
) -> JobDocument:
    """Queue a job for a worker, which checks all that can be before a voxel is written.

    Who may change a dataset may have jobs on it, who may delete it the one that does, and who may
    add to an experiment an ingest, whose dataset they own. Sources lie where the server reads them
    from for others.
    """
    return await asking.start(request.scope, asker, asked)


@router.get("/{job_id}", summary="Describe a job")
async def get_job(granted: MayWatch) -> JobDocument:
    """Return how far a job is, and what it has found out.

    What it was asked for, where it runs and why it failed is told to who may change its dataset.
    """
    return await watching.describe(granted)


@router.get(
    "/{job_id}/picture",
    summary="Draw what a look has found",
    response_class=Response,
    responses=FORBIDDEN | {200: {"description": "PNG.", "content": {"image/png": BINARY}}},
)
async def get_picture(granted: MayManage) -> Response:
    """Return the middle slice of a source, small: images in grey, by the window that `look` says.

    What looks like labels by its type is drawn in colours, as labels are.
    """
    picture = await looking.draw_found(granted)
    headers = {"Cache-Control": "private, max-age=3600"}
    return Response(picture, media_type="image/png", headers=headers)


@router.get(
    "/{job_id}/events",
    summary="Watch a job",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Server-sent events, `progress` and one `end`, each the job's document.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        204: {"description": "All there is has been told, up to the last event."},
    },
)
async def watch_job(
    granted: MayWatch, last_event_id: Annotated[str | None, Header(max_length=64)] = None
) -> Response:
    """Tell how far a job is, whenever that changes, until nobody works on it."""
    if await events.is_over(granted, last_event_id):
        return Response(status_code=204)
    # Proxies are asked to pass on each event at once.
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    told = events.events(granted, last_event_id)
    return StreamingResponse(told, media_type="text/event-stream", headers=headers)


@router.get("/{job_id}/log", summary="Why tasks of a job failed", responses=FORBIDDEN)
async def get_log(granted: MayManage) -> JobLog:
    """Return the tasks that failed and have not been done since, with their tracebacks."""
    return await watching.log(granted)


@router.post(
    "/{job_id}/retry",
    summary="Go on with a job",
    status_code=202,
    responses=FORBIDDEN | documented(409, "It runs, is done or is cancelled."),
)
async def retry_job(granted: MayManage) -> JobDocument:
    """Give a job that failed or was interrupted to a worker; what is done is not done again."""
    return await changing.retry(granted)


@router.post(
    "/{job_id}/cancel",
    summary="Give a job up",
    status_code=202,
    responses=FORBIDDEN | documented(409, "It is done or cancelled, or deletes a dataset."),
)
async def cancel_job(granted: MayManage) -> JobDocument:
    """Give a job up: an unfinished ingest's dataset is removed, by a worker."""
    return await changing.cancel(granted)
