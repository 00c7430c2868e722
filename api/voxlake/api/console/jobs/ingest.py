"""Pages of the ingest wizard: a source is named, planned, looked at, and the job started."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from voxlake.api.console.jobs.jobs import UNFIT, go_to_job
from voxlake.api.console.pages.page import page
from voxlake.api.guards.jobs import GrantedJob, MayManage
from voxlake.api.guards.places import MayAddToExperiment
from voxlake.api.http.answers.problems import FORBIDDEN
from voxlake.api.http.requests.intake import FormBody
from voxlake.api.jobs import asking
from voxlake.api.places import channels
from voxlake.documents.forms import IngestForm
from voxlake.documents.jobs.asked import JobQuestion
from voxlake.platform.access import Update
from voxlake.platform.errors import ConflictError

router = APIRouter(tags=["console"])

INGEST = "/collections/{collection}/experiments/{experiment}/ingest"


@router.post(
    "/jobs/{job_id}/start", summary="Start what was planned", status_code=303, responses=UNFIT
)
async def start_planned(request: Request, granted: MayManage) -> RedirectResponse:
    """Start the job that another one has planned, for who may."""
    asked = _planned(granted)
    return go_to_job(request, await asking.start(request.scope, granted.asker, asked))


@router.get(INGEST, summary="Page to ingest", response_class=HTMLResponse, responses=FORBIDDEN)
async def show_ingest(request: Request, granted: MayAddToExperiment) -> HTMLResponse:
    """Show the form that plans an ingest, and where the server reads sources from."""
    settings = granted.asker.gateway.settings
    near = [each.record for each in await channels.list_channels(granted)]
    return await page(
        request,
        "jobs/ingest.html",
        name="/".join(granted.place.names),
        images=[each.name.dataset for each in near if each.kind == "image"],
        stores=settings.ingest_stores,
    )


@router.post(INGEST, summary="Plan an ingest by a form", status_code=303, responses=UNFIT)
async def plan_ingest(
    request: Request,
    granted: MayAddToExperiment,
    asked: Annotated[IngestForm, Depends(FormBody(IngestForm))],
) -> RedirectResponse:
    """Have a worker look at a source, and go on to the page that tells what it found."""
    question = asked.question("/".join(granted.place.names))
    return go_to_job(request, await asking.plan(request.scope, granted.asker, question))


def _planned(granted: GrantedJob[Update]) -> JobQuestion:
    """Return what a plan was asked for; raise ConflictError if the job is no plan."""
    job = granted.job
    asked = job.spec.get("asked")
    if job.kind != asking.PLAN or asked is None:
        raise ConflictError(f"job {job.id} is no plan, of which another is started; go on with it")
    return JobQuestion.model_validate(asked)
