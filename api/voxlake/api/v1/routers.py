"""Routers of bossDB's API."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from voxlake.api.http.answers.boss_errors import documented_as_boss
from voxlake.api.http.answers.problems import DOCUMENTED, FORBIDDEN, documented
from voxlake.api.http.layers.boss_paths import ROOT
from voxlake.api.http.layers.exchange import exchange_of
from voxlake.documents.bossdb.resources import BossError
from voxlake.platform.errors import VoxlakeError

ERRORS = documented_as_boss({**DOCUMENTED, **FORBIDDEN})
FORMS = documented_as_boss(
    {
        **documented(406, "No format satisfies `Accept`."),
        **documented(413, "It is larger than the server allows."),
    }
)


def boss_router(path: str) -> APIRouter:
    """Return a router of the addresses below `/v1` and a path."""
    return APIRouter(prefix=f"{ROOT}{path}", tags=["bossDB"], responses=ERRORS)


def refusal(
    request: Request, error: VoxlakeError, code: int, status: int | None = None
) -> Response:
    """Return the answer for an error for which bossDB has a number, or a status, of its own."""
    request_id = exchange_of(request.scope).request_id
    status = status or error.status
    told = BossError(status=status, code=code, message=str(error), request_id=request_id)
    return Response(told.model_dump_json(), status, media_type="application/json")
