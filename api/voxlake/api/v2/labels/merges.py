"""Merges: which supervoxels are one body. Voxels are never rewritten for it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from voxlake.api.data.labels import labels as label_data
from voxlake.api.data.labels import objects as object_data
from voxlake.api.guards.datasets import MayAddVoxels, MayReadVoxels
from voxlake.api.http.answers.label_answers import pairs_response
from voxlake.api.http.answers.problems import NOT_ALLOWED, documented
from voxlake.api.http.answers.tables import TABLED, TableForm
from voxlake.api.http.requests.intake import JsonBody
from voxlake.api.v2.labels.labels import After, OneLabel
from voxlake.documents.labels.labels import MAX_LABELS
from voxlake.documents.labels.merges import (
    MAX_CHANGES,
    BodiesQuestion,
    BodyDocument,
    ChangeDocument,
    CleaveQuestion,
    HistoryDocument,
    MappingDocument,
    MergeQuestion,
    PairsDocument,
    UndoQuestion,
    body_document,
    change_document,
    history_document,
    mapping_document,
)

router = APIRouter(prefix="/v2/datasets/{collection}/{experiment}/{dataset}", tags=["merges"])

CHANGES = {
    **NOT_ALLOWED,
    **documented(409, "It does not fit the mapping as it is: somebody was here before."),
}


@router.post("/merges", summary="Merge bodies", responses=CHANGES)
async def merge(
    granted: MayAddVoxels, asked: Annotated[MergeQuestion, Depends(JsonBody(MergeQuestion))]
) -> ChangeDocument:
    """Merge bodies into the first of them; the next question with `bodies` sees it."""
    return change_document(await object_data.merge(granted, asked.labels, granted.asker))


@router.post("/cleaves", summary="Split a body", responses=CHANGES)
async def cleave(
    granted: MayAddVoxels, asked: Annotated[CleaveQuestion, Depends(JsonBody(CleaveQuestion))]
) -> ChangeDocument:
    """Make some supervoxels of a body a body of their own."""
    entry = await object_data.cleave(
        granted, asked.body, asked.supervoxels, asked.into, granted.asker
    )
    return change_document(entry)


@router.get("/mapping", summary="Describe the mapping")
async def get_mapping(granted: MayReadVoxels) -> MappingDocument:
    """Return how many changes there were, and how many supervoxels the mapping names."""
    return mapping_document(await label_data.mapping_of(granted))


@router.get("/mapping/history", summary="List the changes of the mapping")
async def get_history(
    granted: MayReadVoxels,
    after: Annotated[int, Query(ge=0, lt=1 << 63, description="Only later changes.")] = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_CHANGES, description="Most changes.")] = 100,
) -> HistoryDocument:
    """Return who changed what and when, the earliest first."""
    return history_document(await object_data.history(granted, after, limit + 1), limit)


@router.post("/mapping/undo", summary="Undo a change of the mapping", responses=CHANGES)
async def undo(
    granted: MayAddVoxels, asked: Annotated[UndoQuestion, Depends(JsonBody(UndoQuestion))]
) -> ChangeDocument:
    """Take back one change, by another one: those that others made elsewhere since stay.

    It is done again by undoing the change that undid it.
    """
    return change_document(await object_data.undo(granted, asked.number, granted.asker))


@router.get(
    "/mapping/pairs",
    summary="List supervoxels and their bodies",
    response_model=PairsDocument,
    responses=TABLED,
)
async def get_pairs(
    granted: MayReadVoxels,
    form: TableForm,
    after: After = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_LABELS, description="Most supervoxels.")] = 1000,
) -> Response:
    """Return a page of the supervoxels that the mapping names; others are bodies of their own."""
    number, pairs, more = await label_data.list_pairs(granted, after, limit)
    return await pairs_response(form, number, pairs, granted.gateway.answers, more)


@router.post(
    "/mapping/lookup",
    summary="Tell the bodies of many supervoxels",
    response_model=PairsDocument,
    responses=TABLED,
)
async def look_up(
    granted: MayReadVoxels,
    asked: Annotated[BodiesQuestion, Depends(JsonBody(BodiesQuestion))],
    form: TableForm,
) -> Response:
    """Return the body of each supervoxel, in their order."""
    number, pairs = await label_data.find_bodies(granted, asked.labels)
    return await pairs_response(form, number, pairs, granted.gateway.answers)


@router.get("/mapping/{label}", summary="Tell the body of a label, and what belongs to it")
async def get_body(granted: MayReadVoxels, label: OneLabel) -> BodyDocument:
    """Return the body of a supervoxel, and the supervoxels of a body."""
    return body_document(await label_data.mapping_of(granted), label)
