"""What was deleted: listed, brought back, or purged, by who may delete it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from voxlake.api.guards.askers import AfterNumber, Limit, SignedIn
from voxlake.api.http.answers.problems import FORBIDDEN, documented
from voxlake.api.http.requests.intake import JsonBody
from voxlake.api.places import deleted as data
from voxlake.documents.places.asked import RestoreQuestion
from voxlake.documents.places.deleted import DeletedDocument, DeletedList, RestoredDocument

router = APIRouter(prefix="/v2/deleted", tags=["deleted"], responses=FORBIDDEN)

DeletedId = Annotated[int, Path(ge=1, lt=2**63, description="The id of what was deleted.")]


@router.get("", summary="List what was deleted")
async def list_deleted(asker: SignedIn, limit: Limit = 100, after: AfterNumber = 0) -> DeletedList:
    """Return what was deleted and the asker can bring back, the last deleted first.

    Whoever may delete a dataset, an experiment or a collection can bring it back.
    """
    return await data.list_deleted(asker, limit, after)


@router.post(
    "/{deleted}/restore",
    summary="Bring back what was deleted",
    responses=documented(409, "Its name is taken, what it lay in is deleted, or its purge began."),
)
async def restore(
    asker: SignedIn,
    deleted: DeletedId,
    asked: Annotated[RestoreQuestion, Depends(JsonBody(RestoreQuestion))],
) -> RestoredDocument:
    """Bring something back: its voxels, who may do what with it, and all that was said of it.

    Labels that were deleted with their image come back with it, and experiments with their
    collection.
    """
    return await data.restore(asker, deleted, asked.name)


@router.post(
    "/{deleted}/purge",
    summary="Delete for good what was deleted",
    status_code=202,
    responses=documented(409, "Its purge has begun."),
)
async def purge(asker: SignedIn, deleted: DeletedId) -> DeletedDocument:
    """Let something be deleted for good now: a dataset by the first worker that is free."""
    return await data.purge(asker, deleted)
