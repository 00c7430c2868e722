"""Whether the server is alive, and whether it can do its work."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from voxlake.api.data.readiness import check_ready
from voxlake.api.gateway import gateway_of
from voxlake.api.guards.datasets import public
from voxlake.api.http.answers.problems import documented, problem
from voxlake.documents.service.gateway import Health, Readiness

router = APIRouter(tags=["health"], dependencies=[Depends(public)])


@router.get("/healthz", summary="Is the process alive?")
async def healthz() -> Health:
    """Answer as long as the process serves requests; asks nothing of anything else."""
    return Health()


@router.get(
    "/readyz",
    summary="Can it do its work?",
    response_model=Readiness,
    responses=documented(503, "It is stopping, or the catalog or the store does not answer."),
)
async def readyz(request: Request) -> Readiness | Response:
    """Answer 200 if catalog and store answered within the last seconds, else 503 and which.

    It says how the issuer is, which ends only what needs it. A server that was told to end is
    not ready, while it goes on with what it was asked.
    """
    gateway = gateway_of(request.scope)
    if gateway.stopping.is_set():
        detail = "the server was told to end; ask another"
        return problem(request.scope, "stopping", HTTPStatus.SERVICE_UNAVAILABLE, detail)
    return Readiness(issuer=await check_ready(gateway))
