"""Routers of bossDB's API."""

from __future__ import annotations

from fastapi import APIRouter

from voxlake.api.http.answers.boss_errors import documented_as_boss
from voxlake.api.http.answers.problems import DOCUMENTED, FORBIDDEN, documented
from voxlake.api.http.layers.boss_paths import ROOT

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
