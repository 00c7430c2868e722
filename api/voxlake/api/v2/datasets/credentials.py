"""Temporary keys: a dataset is read where it lies, with what its store itself decides."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from voxlake.api.data.stored import credentials as data
from voxlake.api.guards.datasets import MayReadVoxels, grant
from voxlake.api.http.answers.problems import NOT_ALLOWED, documented
from voxlake.documents.people.credentials import CredentialsDocument
from voxlake.platform.access import AddVoxels, DeleteVoxels
from voxlake.platform.errors import ForbiddenError

router = APIRouter(prefix="/v2/credentials", tags=["credentials"])


@router.post(
    "/{collection}/{experiment}/{dataset}",
    summary="Get temporary keys of the store",
    responses={**NOT_ALLOWED, **documented(413, "It has more labels than keys can tell apart.")},
)
async def get_credentials(
    request: Request,
    response: Response,
    granted: MayReadVoxels,
    write: Annotated[bool, Query(description="Also write levels.")] = False,  # noqa: FBT002
) -> CredentialsDocument:
    """Return keys of S3 for one dataset, good for some minutes; what is revoked then still works.

    Labels inside an image that the asker may not read are out of their reach, and so are label
    indexes.
    """
    response.headers["Cache-Control"] = "no-store"
    if not write:
        return await data.reading_keys(granted)
    parts = granted.record.name.parts
    adding = await grant(request.scope, parts, AddVoxels)
    try:
        deleting = await grant(request.scope, parts, DeleteVoxels)
    except ForbiddenError:
        deleting = None
    return await data.writing_keys(granted, adding, deleting)
