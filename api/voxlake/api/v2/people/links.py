"""Links: make one, list them, revoke one."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request

from voxlake.api.guards.datasets import MayAssignGroup, MayReadVoxels, MayRemoveGroup
from voxlake.api.http.answers.problems import NOT_ALLOWED
from voxlake.api.http.requests.intake import JsonBody
from voxlake.api.people import links
from voxlake.documents.people.links import (
    LinkDocument,
    LinkList,
    LinkQuestion,
    NewLinkDocument,
    link_document,
)

router = APIRouter(prefix="/v2/links/{collection}/{experiment}/{dataset}", tags=["links"])


@router.post("", summary="Make a link", status_code=201, responses=NOT_ALLOWED)
async def make_link(
    request: Request,
    _read: MayReadVoxels,
    granted: MayAssignGroup,
    asked: Annotated[LinkQuestion, Depends(JsonBody(LinkQuestion))],
) -> NewLinkDocument:
    """Return addresses at which whoever has them reads the dataset without signing in.

    They are good until they end or are revoked, and for as long as you may read its voxels and say
    who else may.
    """
    return await links.make_link(granted, asked, str(request.base_url))


@router.get("", summary="List links", responses=NOT_ALLOWED)
async def list_links(granted: MayAssignGroup) -> LinkList:
    """Return all links to the dataset, those that are over included; their tokens are not kept."""
    found = await links.list_links(granted)
    return LinkList(links=tuple(map(link_document, found)))


@router.delete("/{link}", summary="Revoke a link", responses=NOT_ALLOWED)
async def revoke_link(
    granted: MayRemoveGroup,
    link: Annotated[int, Path(ge=1, lt=2**63, description="Its number.")],
) -> LinkDocument:
    """Let a link be good for nothing within seconds, and return it."""
    return link_document(await links.revoke_link(granted, link))
