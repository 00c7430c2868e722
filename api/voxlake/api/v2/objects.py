"""Objects: what is known of labels besides their voxels."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from voxlake.api.data import objects as object_data
from voxlake.api.guard import MayAddVoxels, MayDeleteVoxels, MayReadVoxels
from voxlake.api.http.answers.arrow_body import arrow_response, wants_arrow
from voxlake.api.http.answers.json_body import json_response
from voxlake.api.http.answers.problems import NOT_ALLOWED
from voxlake.api.http.requests.intake import JsonBody
from voxlake.api.v2.labels import LISTS, Accept, OneLabel
from voxlake.documents.labels import MAX_LABELS
from voxlake.documents.objects import (
    ObjectDocument,
    ObjectQuestion,
    ObjectsDocument,
    ObjectsQuery,
    objects_document,
)

router = APIRouter(
    prefix="/v2/datasets/{collection}/{experiment}/{dataset}/objects", tags=["objects"]
)


@router.get("", summary="List objects", response_model=ObjectsDocument, responses=LISTS)
async def get_objects(
    granted: MayReadVoxels, wanted: Annotated[ObjectsQuery, Query()], accept: Accept = None
) -> Response:
    """Return a page of objects, ascending by id; as Arrow, `X-Voxlake-Next` has what `next` has."""
    arrow = wants_arrow(wanted.format, accept)
    page = await object_data.list_objects(granted, wanted.where, wanted.after, wanted.limit)
    if not arrow:
        return json_response(objects_document(page), {}, granted.gateway.answers)
    headers = {} if page.next is None else {"X-Voxlake-Next": str(page.next)}
    return arrow_response(page.table, headers, granted.gateway.answers)


@router.get("/segment-properties/info", summary="List objects for Neuroglancer")
async def get_segment_properties(
    granted: MayReadVoxels,
    limit: Annotated[int, Query(ge=1, le=MAX_LABELS, description="Most segments.")] = MAX_LABELS,
) -> Response:
    """Return the objects of the lowest ids as Neuroglancer's segment properties.

    A layer takes it by this address without `/info`, and `/|neuroglancer-precomputed:` after it.
    """
    properties = await object_data.segment_properties(granted, limit)
    headers = {"Cache-Control": "no-cache", "Vary": "Authorization, Cookie"}
    return Response(properties.to_json(), headers=headers, media_type="application/json")


@router.get("/{label}", summary="Get the object of a label")
async def get_object(granted: MayReadVoxels, label: OneLabel) -> ObjectDocument:
    """Return what is known of a label besides its voxels."""
    return ObjectDocument.model_validate(await object_data.get_object(granted, label))


@router.put("/{label}", summary="Put the object of a label", responses=NOT_ALLOWED)
async def put_object(
    granted: MayAddVoxels,
    label: OneLabel,
    asked: Annotated[ObjectQuestion, Depends(JsonBody(ObjectQuestion))],
) -> ObjectDocument:
    """Put an object in the place of what was known of the label, and return it as it is stored."""
    item = asked.value(label, granted.asker)
    return ObjectDocument.model_validate(await object_data.put_object(granted, item))


@router.delete(
    "/{label}", summary="Delete the object of a label", status_code=204, responses=NOT_ALLOWED
)
async def delete_object(granted: MayDeleteVoxels, label: OneLabel) -> None:
    """Delete what is known of a label besides its voxels. Its voxels stay."""
    await object_data.delete_object(granted, label)
