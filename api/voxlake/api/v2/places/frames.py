"""Coordinate frames."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from voxlake.api.guards.askers import NAMED, SignedIn
from voxlake.api.guards.places import Anybody, MayAddToLake
from voxlake.api.http.answers.problems import FORBIDDEN, documented
from voxlake.api.http.requests.intake import JsonBody
from voxlake.api.places import frames as data
from voxlake.documents.places.asked import FrameChange, FrameQuestion
from voxlake.documents.places.places import FrameDocument, FrameList

router = APIRouter(prefix="/v2/frames", tags=["frames"])

FrameName = Annotated[str, Path(pattern=NAMED)]
TAKEN = documented(409, "Another frame has the name.")
HOLDS = documented(409, "An experiment lies in it.")


@router.get("", summary="List frames")
async def list_frames(asker: Anybody) -> FrameList:
    """Return all coordinate frames, sorted by name; they are for everybody to see."""
    return await data.list_frames(asker)


@router.post("", summary="Make a frame", responses=FORBIDDEN | TAKEN)
async def add_frame(
    granted: MayAddToLake, asked: Annotated[FrameQuestion, Depends(JsonBody(FrameQuestion))]
) -> FrameDocument:
    """Make a coordinate frame; the asker, and administrators, may change it."""
    return await data.add_frame(granted, asked)


@router.get("/{frame}", summary="Describe a frame")
async def get_frame(asker: Anybody, frame: FrameName) -> FrameDocument:
    """Return a coordinate frame."""
    return await data.get_frame(asker, frame)


@router.patch("/{frame}", summary="Change a frame", responses=FORBIDDEN | TAKEN)
async def change_frame(
    asker: SignedIn,
    frame: FrameName,
    asked: Annotated[FrameChange, Depends(JsonBody(FrameChange))],
) -> FrameDocument:
    """Give a frame another name or description; where it lies stays."""
    return await data.change_frame(asker, frame, asked)


@router.delete("/{frame}", summary="Delete a frame", status_code=204, responses=FORBIDDEN | HOLDS)
async def remove_frame(asker: SignedIn, frame: FrameName) -> None:
    """Delete a frame in which no experiment lies."""
    await data.remove_frame(asker, frame)
