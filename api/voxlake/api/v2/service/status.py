"""How the lake and the gateway are, for administrators."""

from __future__ import annotations

from fastapi import APIRouter

from voxlake.api.guards.askers import Administrator
from voxlake.api.http.answers.problems import FORBIDDEN
from voxlake.api.monitoring import status
from voxlake.documents.service.status import StatusDocument

router = APIRouter(prefix="/v2/status", tags=["health"], responses=FORBIDDEN)


@router.get("", summary="How is all?")
async def get_status(asker: Administrator) -> StatusDocument:
    """Return what is well and what is not, and what to do, for administrators.

    It was looked at within the last minute: catalog, store, issuer, settings, jobs and who runs
    them, levels and indexes that are behind what was written, disk and open files.
    """
    return await status.describe(asker)
