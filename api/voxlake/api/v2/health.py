"""Whether the server is alive, and whether it can do its work."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request

from voxlake.api.data.readiness import check_ready
from voxlake.api.guard import public
from voxlake.api.http.problems import documented
from voxlake.documents.service import Health

router = APIRouter(tags=["health"], dependencies=[Depends(public)])


@router.get("/healthz", summary="Is the process alive?")
async def healthz() -> Health:
    """Answer as long as the process serves requests; asks nothing of anything else."""
    return Health()


@router.get(
    "/readyz",
    summary="Do catalog and store answer?",
    responses=documented(503, "The catalog or the store does not answer."),
)
async def readyz(request: Request) -> Health:
    """Answer 200 if catalog and store answered within the last seconds, else 503 and which."""
    await check_ready(request.scope)
    return Health()
