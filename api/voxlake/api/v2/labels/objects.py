"""Objects: what is known of labels besides their voxels."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import Response

from voxlake.api.data.labels import objects as object_data
from voxlake.api.guards.datasets import MayAddVoxels, MayDeleteVoxels, MayReadVoxels
from voxlake.api.http.answers.label_answers import objects_response
from voxlake.api.http.answers.problems import NOT_ALLOWED
from voxlake.api.http.answers.tables import TABLED, TableForm
from voxlake.api.http.requests.intake import JsonBody
from voxlake.api.v2.labels.labels import OneLabel
from voxlake.documents.labels.labels import MAX_LABELS
from voxlake.documents.labels.objects import (
    IdsQuestion,
    ObjectDocument,
    ObjectQuestion,
    ObjectsChangedDocument,
    ObjectsDocument,
    ObjectsQuery,
    PutQuestion,
)
from voxlake.documents.viewer.segment_choices import PATTERN, parse_choice

router = APIRouter(
    prefix="/v2/datasets/{collection}/{experiment}/{dataset}/objects", tags=["objects"]
)


@router.get("", summary="List objects", response_model=ObjectsDocument, responses=TABLED)
async def get_objects(
    granted: MayReadVoxels, wanted: Annotated[ObjectsQuery, Query()], form: TableForm
) -> Response:
    """Return a page of objects, ascending by id; tables have `next` in `X-Voxlake-Next`."""
    page = await object_data.list_objects(granted, wanted.where, wanted.after, wanted.limit)
    return await objects_response(form, page.table, granted.gateway.answers, after=page.next)


@router.post("", summary="Put many objects", responses=NOT_ALLOWED)
async def put_objects(
    granted: MayAddVoxels, asked: Annotated[PutQuestion, Depends(JsonBody(PutQuestion))]
) -> ObjectsChangedDocument:
    """Put objects in the place of what was known of their labels: all of them, or none."""
    number = await object_data.put_objects(granted, asked.values(granted.asker))
    return ObjectsChangedDocument(number=number)


@router.post(
    "/lookup", summary="Get many objects", response_model=ObjectsDocument, responses=TABLED
)
async def look_up(
    granted: MayReadVoxels,
    asked: Annotated[IdsQuestion, Depends(JsonBody(IdsQuestion))],
    form: TableForm,
) -> Response:
    """Return the objects of those labels that have one, ascending by id."""
    table = await object_data.get_objects(granted, asked.labels)
    return await objects_response(form, table, granted.gateway.answers, asked=asked.labels)


@router.post("/delete", summary="Delete many objects", responses=NOT_ALLOWED)
async def delete_objects(
    granted: MayDeleteVoxels, asked: Annotated[IdsQuestion, Depends(JsonBody(IdsQuestion))]
) -> ObjectsChangedDocument:
    """Delete the objects of those labels that have one: all of them at once. Voxels stay."""
    return ObjectsChangedDocument(number=await object_data.delete_objects(granted, asked.labels))


@router.get("/segment-properties/info", summary="List objects for Neuroglancer")
async def get_segment_properties(
    granted: MayReadVoxels,
    limit: Annotated[int, Query(ge=1, le=MAX_LABELS, description="Most segments.")] = MAX_LABELS,
) -> Response:
    """Return the objects of the lowest ids as Neuroglancer's segment properties.

    A layer takes it by this address without `/info`, and `/|neuroglancer-precomputed:` after it.
    """
    found = await object_data.segment_properties(granted, limit)
    return _told(found.to_json())


@router.get("/segment-properties/{choice}/info", summary="List the largest labels for Neuroglancer")
async def get_chosen_properties(
    granted: MayReadVoxels,
    choice: Annotated[
        str,
        Path(
            pattern=PATTERN,
            description="`largest=N` with any of `type=`, `status=`, `name=` (how it begins) and "
            "`bodies`, and commas between them.",
        ),
    ],
) -> Response:
    """Return the labels of most voxels, of those whose objects fit, with their voxel counts.

    A layer takes it as that of all objects.
    """
    asked = parse_choice(choice)
    found = await object_data.properties_of_largest(
        granted, asked.largest, asked.where, bodies=asked.bodies
    )
    return _told(found.to_json())


def _told(properties: bytes) -> Response:
    headers = {"Cache-Control": "no-cache", "Vary": "Authorization, Cookie"}
    return Response(properties, headers=headers, media_type="application/json")


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
