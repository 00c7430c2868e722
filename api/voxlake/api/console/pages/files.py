"""What pages load besides pictures: their style, the icon, and a script that none needs."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from voxlake.api.console.pages.page import FOLDER
from voxlake.api.guards.datasets import public

router = APIRouter(include_in_schema=False, dependencies=[Depends(public)])

_STYLE = (FOLDER / "style.css").read_bytes()
_WATCH = (FOLDER / "watch.js").read_bytes()
_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">'
    '<rect width="16" height="16" rx="3" fill="#164e63"/>'
    '<path d="M3 4l5 8 5-8" fill="none" stroke="#fff" stroke-width="2"/></svg>'
)
_A_DAY = {"Cache-Control": "max-age=86400"}
_MINUTES = {"Cache-Control": "max-age=600"}
"""Of what is another in the next version, as its pages are."""


@router.get("/favicon.ico")
async def favicon() -> Response:
    """Return the icon that browsers ask for."""
    return Response(_ICON, media_type="image/svg+xml", headers=_A_DAY)


@router.get("/console/style.css")
async def style() -> Response:
    """Return the style of all pages."""
    return Response(_STYLE, media_type="text/css", headers=_MINUTES)


@router.get("/console/watch.js")
async def watch() -> Response:
    """Return the script that follows a job on its page."""
    return Response(_WATCH, media_type="text/javascript", headers=_MINUTES)
