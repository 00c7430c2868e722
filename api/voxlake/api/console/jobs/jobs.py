"""Pages of jobs: which there are, how far one is; forms that start, retry and cancel."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from voxlake.api.console.jobs.found import choices_of
from voxlake.api.console.pages.page import SENT, console_router, go_to, page
from voxlake.api.guards.askers import SignedIn
from voxlake.api.guards.jobs import MayManage, MayWatch
from voxlake.api.guards.places import Anybody
from voxlake.api.http.answers.problems import documented
from voxlake.api.http.requests.intake import FormBody
from voxlake.api.jobs import asking, changing, watching
from voxlake.documents.forms import JobForm
from voxlake.documents.jobs.job import JobDocument
from voxlake.documents.places.asked import DatasetText

router = console_router()

ON_A_PAGE = 50
WATCH_SECONDS = 3
"""After so long a watched job's page is loaded anew by a browser that runs no scripts."""
UNFIT = SENT | documented(409, "The dataset or the job is in a state in which this cannot be.")


@router.get("/jobs", summary="Page of jobs", response_class=HTMLResponse)
async def show_jobs(
    request: Request,
    asker: Anybody,
    after: Annotated[
        str,
        Query(pattern="^([0-9A-HJKMNP-TV-Z]{26})?$", description="Only those older than this one."),
    ] = "",
    dataset: Annotated[DatasetText | None, Query(description="Only those on this one.")] = None,
) -> HTMLResponse:
    """Show the jobs on datasets that the asker may read, the newest first."""
    found = await watching.list_jobs(asker, ON_A_PAGE, after, dataset, ())
    return await page(request, "jobs/jobs.html", jobs=found.jobs, next=found.next, dataset=dataset)


@router.post("/jobs", summary="Start a job by a form", status_code=303, responses=UNFIT)
async def start_job(
    request: Request, asker: SignedIn, asked: Annotated[JobForm, Depends(FormBody(JobForm))]
) -> RedirectResponse:
    """Queue a job on a dataset, and go on to its page."""
    return go_to_job(request, await asking.start(request.scope, asker, asked.question))


@router.get("/jobs/{job_id}", summary="Page of a job", response_class=HTMLResponse)
async def show_job(
    request: Request,
    granted: MayWatch,
    watch: Annotated[bool, Query(description="Load it anew every few seconds.")] = False,  # noqa: FBT002
) -> HTMLResponse:
    """Show how far a job is, and what it has found out."""
    job = await watching.describe(granted)
    return await page(
        request,
        "jobs/look.html" if job.kind == "look" else "jobs/job.html",
        scripted=not job.at_rest,
        job=job,
        manages=granted.manages,
        watched=watch and not job.at_rest,
        seconds=WATCH_SECONDS,
        asked=asked_of(job),
        choices=await choices_of(granted, job),
    )


@router.post(
    "/jobs/{job_id}/retry", summary="Go on with a job by a form", status_code=303, responses=UNFIT
)
async def retry_job(request: Request, granted: MayManage) -> RedirectResponse:
    """Give a job that failed or was interrupted to a worker."""
    return go_to_job(request, await changing.retry(granted))


@router.post(
    "/jobs/{job_id}/cancel", summary="Give a job up by a form", status_code=303, responses=UNFIT
)
async def cancel_job(request: Request, granted: MayManage) -> RedirectResponse:
    """Give a job up: an unfinished ingest's dataset is removed, by a worker."""
    return go_to_job(request, await changing.cancel(granted))


def asked_of(job: JobDocument) -> dict[str, Any]:
    """Return what was asked for of a job that a form or a program asked for; empty: it is none."""
    asked = job.spec.get("asked")
    return asked if isinstance(asked, dict) else {}


def go_to_job(request: Request, job: JobDocument) -> RedirectResponse:
    """Return the answer to a form that a job came of: its page, watched."""
    return go_to(request, f"/jobs/{job.id}?watch=true")
