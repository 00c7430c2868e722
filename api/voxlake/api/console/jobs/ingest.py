"""Pages of the ingest wizard: a source is named, looked at, planned, and the job started."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from voxlake.api.console.jobs.found import suggested_name
from voxlake.api.console.jobs.jobs import UNFIT, go_to_job
from voxlake.api.console.pages.page import console_router, page
from voxlake.api.guards.jobs import GrantedJob, MayManage
from voxlake.api.guards.places import MayAddToExperiment
from voxlake.api.http.answers.problems import FORBIDDEN
from voxlake.api.http.requests.intake import FormBody
from voxlake.api.jobs import asking
from voxlake.documents.forms import IngestForm, LookForm
from voxlake.documents.jobs.asked import JobQuestion, LookQuestion
from voxlake.platform.access import Update
from voxlake.platform.errors import ConflictError

router = console_router()

INGEST = "/collections/{collection}/experiments/{experiment}/ingest"


@router.post(
    "/jobs/{job_id}/start", summary="Start what was planned", status_code=303, responses=UNFIT
)
async def start_planned(request: Request, granted: MayManage) -> RedirectResponse:
    """Start the job that another one has planned, for who may."""
    asked = _planned(granted)
    return go_to_job(request, await asking.start(request.scope, granted.asker, asked))


@router.get(INGEST, summary="Page to ingest", response_class=HTMLResponse, responses=FORBIDDEN)
async def show_ingest(
    request: Request,
    granted: MayAddToExperiment,
    source: Annotated[str, Query(max_length=2048, description="What is filled in.")] = "",
) -> HTMLResponse:
    """Show the form that names a source, and where the server reads sources from."""
    return await page(
        request,
        "jobs/ingest.html",
        name="/".join(granted.place.names),
        source=source,
        stores=granted.asker.gateway.settings.ingest_stores,
    )


@router.post(
    f"{INGEST}/look", summary="Look at a source by a form", status_code=303, responses=UNFIT
)
async def look_at_source(
    request: Request,
    granted: MayAddToExperiment,
    asked: Annotated[LookForm, Depends(FormBody(LookForm))],
) -> RedirectResponse:
    """Have a worker look at a source, and go on to the page that tells what it found."""
    dataset = "/".join((*granted.place.names, suggested_name(asked.source)))
    question = LookQuestion(dataset=dataset, source=asked.source, axes=asked.axes)
    return go_to_job(request, await asking.look(granted.asker, question))


@router.post(INGEST, summary="Plan an ingest by a form", status_code=303, responses=UNFIT)
async def plan_ingest(
    request: Request,
    granted: MayAddToExperiment,
    asked: Annotated[IngestForm, Depends(FormBody(IngestForm))],
) -> RedirectResponse:
    """Have a worker plan an ingest, and go on to the page that tells what it takes."""
    question = asked.question("/".join(granted.place.names))
    return go_to_job(request, await asking.plan(request.scope, granted.asker, question))


def _planned(granted: GrantedJob[Update]) -> JobQuestion:
    """Return what a plan was asked for; raise ConflictError if the job is no plan."""
    job = granted.job
    asked = job.spec.get("asked")
    if job.kind != asking.PLAN or asked is None:
        raise ConflictError(f"job {job.id} is no plan, of which another is started; go on with it")
    return JobQuestion.model_validate(asked)
