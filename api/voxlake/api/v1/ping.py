"""Whether bossDB's API is here, and of which versions."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import Response

from voxlake.api.guards.datasets import public
from voxlake.api.v1.routers import ERRORS, boss_router, refusal
from voxlake.documents.bossdb.resources import BossPing
from voxlake.platform.errors import UnsupportedError

router = APIRouter()
_current = boss_router("/ping")
_before = APIRouter(tags=["bossDB"], responses=ERRORS)

UNSUPPORTED = 9003
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


@_current.get("", summary="Is it there?", dependencies=[Depends(public)])
async def ping() -> BossPing:
    """Return what serves bossDB's API."""
    return BossPing(server="voxlake", version=version("voxlake"))


@_before.api_route(
    "/v0.{minor}/{rest:path}",
    methods=METHODS,
    include_in_schema=False,
    dependencies=[Depends(public)],
)
async def unsupported(
    request: Request,
    minor: Annotated[str, Path(pattern="^[0-9]{1,4}$")],
    rest: str,
) -> Response:
    """Refuse versions that bossDB itself gave up."""
    told = f"version v0.{minor} of bossDB's API is not served; ask for /v1/{rest}"
    return refusal(request, UnsupportedError(told), UNSUPPORTED)


router.include_router(_current)
router.include_router(_before)
