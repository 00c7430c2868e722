"""Labels: which are in a box, where they are, which is at a point, and ids for new ones."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, Field

from voxlake.api.data.labels import labels as label_data
from voxlake.api.data.labels.asked_box import box_of
from voxlake.api.formats.tables import JSON
from voxlake.api.guards.datasets import MayAddVoxels, MayReadVoxels
from voxlake.api.http.answers.label_answers import (
    in_box_response,
    list_response,
    mapping_header,
    page_response,
    places_response,
    state_headers,
)
from voxlake.api.http.answers.problems import NOT_ALLOWED
from voxlake.api.http.answers.tables import TABLED, TableForm, next_header
from voxlake.api.http.requests.intake import JsonBody
from voxlake.api.http.requests.query import Ranges
from voxlake.documents.labels.labels import (
    AT_TIME,
    MAX_LABELS,
    MAX_POINTS,
    BlockDocument,
    ChunksDocument,
    LabelDocument,
    LabelListDocument,
    LabelsAtDocument,
    LabelsInBoxDocument,
    LookupQuestion,
    PointsDocument,
    PointsQuestion,
    ReserveQuestion,
    StateDocument,
    in_box_document,
    label_document,
)
from voxlake.documents.labels.objects import TopQuery

router = APIRouter(
    prefix="/v2/datasets/{collection}/{experiment}/{dataset}/labels", tags=["labels"]
)

OneLabel = Annotated[int, Path(ge=1, lt=2**64, description="Any id but background, 0.")]
Bodies = Annotated[
    bool, Query(description="Apply the mapping from supervoxels to bodies: ids are of bodies.")
]
Time = Annotated[int | None, Query(ge=0, lt=10**15, description=AT_TIME)]
After = Annotated[int, Query(ge=0, lt=2**64, description="Only labels above it: `next` of a page.")]


class BoxQuery(Ranges):
    """A box of level 0, and what is asked of the labels in it."""

    counts: bool = Field(default=False, description="Also count voxels.")
    bodies: bool = Field(default=False, description="Apply the mapping: ids are of bodies.")
    after: int = Field(0, ge=0, lt=2**64, description="Only labels above it: `next` of a page.")
    limit: int | None = Field(
        None, ge=1, le=MAX_LABELS, description="Most labels of the page; null: all."
    )


class DrawQuery(BaseModel):
    """How many voxels of a label are drawn."""

    count: int = Field(1, ge=0, le=MAX_POINTS, description="How many.")
    seed: int = Field(0, ge=0, description="The same seed draws the same points.")
    t: int | None = Field(None, ge=0, lt=10**15, description=AT_TIME)
    bodies: bool = Field(default=False, description="Apply the mapping: the id is that of a body.")


@router.get(
    "",
    summary="List the labels in a box",
    response_model=LabelsInBoxDocument,
    responses=TABLED,
)
async def get_labels(
    granted: MayReadVoxels, asked: Annotated[BoxQuery, Query()], form: TableForm
) -> Response:
    """Return the labels that have voxels in a box of level 0. Exact, background left out."""
    box = await box_of(granted, asked.by_axis())
    inside, after, number = await label_data.labels_in_box(
        granted,
        box.zyx,
        (asked.after, asked.limit),
        time=box.time,
        counts=asked.counts,
        bodies=asked.bodies,
    )
    headers = {"X-Index-Consistency": "latest", **mapping_header(number), **next_header(after)}
    document = partial(in_box_document, box.whole, box.axes, inside, mapping=number, next=after)
    return await in_box_response(form, document, inside, headers, granted.gateway.answers)


@router.get("/all", summary="List all labels", response_model=LabelListDocument, responses=TABLED)
async def get_all(
    granted: MayReadVoxels,
    form: TableForm,
    t: Time = None,
    bodies: Bodies = False,  # noqa: FBT002
    after: After = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_LABELS, description="Most labels.")] = 1000,
) -> Response:
    """Return a page of labels, ascending; tables have `next` in `X-Voxlake-Next`."""
    state, table = await label_data.list_page(granted, after, limit + 1, time=t, bodies=bodies)
    return await page_response(form, state, table, granted.gateway.answers, limit)


@router.get(
    "/top", summary="List the largest labels", response_model=LabelListDocument, responses=TABLED
)
async def get_top(
    granted: MayReadVoxels, asked: Annotated[TopQuery, Query()], form: TableForm
) -> Response:
    """Return the labels of most voxels, most first; the smaller id of equals."""
    state, table = await label_data.list_largest(
        granted, asked.n, asked.where, time=asked.t, bodies=asked.bodies
    )
    return await list_response(form, state, table, granted.gateway.answers)


@router.post(
    "/lookup", summary="Locate many labels", response_model=LabelListDocument, responses=TABLED
)
async def look_up(
    granted: MayReadVoxels,
    asked: Annotated[LookupQuestion, Depends(JsonBody(LookupQuestion))],
    form: TableForm,
) -> Response:
    """Return boxes and voxel counts of many labels, ascending: one pass over the index."""
    state, table = await label_data.ask(
        granted,
        lambda view: (StateDocument.of(view), view.find(asked.labels)),
        time=asked.t,
        bodies=asked.bodies,
    )
    return await list_response(form, state, table, granted.gateway.answers, asked=asked.labels)


@router.post(
    "/points",
    summary="Tell the labels at points",
    response_model=LabelsAtDocument,
    responses=TABLED,
)
async def post_points(
    granted: MayReadVoxels,
    asked: Annotated[PointsQuestion, Depends(JsonBody(PointsQuestion))],
    form: TableForm,
) -> Response:
    """Return which label is at each of some points of level 0: of the voxels as they are."""
    points = np.array(asked.points, np.int64).reshape(-1, 3)
    labels, number = await label_data.labels_at(granted, points, time=asked.t, bodies=asked.bodies)
    headers, budget = mapping_header(number), granted.gateway.answers

    def document() -> LabelsAtDocument:
        return LabelsAtDocument(labels=labels.tolist(), mapping=number)

    return await places_response(form, document, points, headers, budget, labels)


@router.post(
    "/reserve",
    summary="Reserve ids for new labels",
    responses=NOT_ALLOWED,
)
async def reserve(
    granted: MayAddVoxels,
    asked: Annotated[ReserveQuestion, Depends(JsonBody(ReserveQuestion))],
) -> BlockDocument:
    """Return ids in a row that no voxel has, and that nobody else is ever given."""
    block = await label_data.reserve(granted, asked.count)
    return BlockDocument(first=block.start, stop=block.stop)


@router.get("/{label}", summary="Locate a label")
async def get_label(
    answer: Response,
    granted: MayReadVoxels,
    label: OneLabel,
    t: Time = None,
    point: Annotated[bool, Query(description="Also find a voxel inside it.")] = False,  # noqa: FBT002
    bodies: Bodies = False,  # noqa: FBT002
) -> LabelDocument:
    """Return the tightest box around one label and its number of voxels, at level 0."""
    document = await label_data.ask(
        granted,
        lambda view: label_document(
            view, view.extent(label), point=view.point(label) if point else None
        ),
        time=t,
        bodies=bodies,
    )
    answer.headers.update(state_headers(document))
    return document


@router.get(
    "/{label}/chunks",
    summary="List the chunks that hold a label",
    response_model=ChunksDocument,
    responses=TABLED,
)
async def get_chunks(
    granted: MayReadVoxels,
    label: OneLabel,
    form: TableForm,
    t: Time = None,
    bodies: Bodies = False,  # noqa: FBT002
) -> Response:
    """Return where in the grid of chunks of level 0 a label is, and their Morton numbers."""
    document, cells = await label_data.list_chunks(
        granted, label, time=t, bodies=bodies, listed=form is JSON
    )
    headers, budget = state_headers(document), granted.gateway.answers
    return await places_response(form, lambda: document, cells, headers, budget)


@router.get(
    "/{label}/points",
    summary="Draw voxels of a label",
    response_model=PointsDocument,
    responses=TABLED,
)
async def get_points(
    granted: MayReadVoxels,
    label: OneLabel,
    form: TableForm,
    asked: Annotated[DrawQuery, Query()],
) -> Response:
    """Return voxels that have a label, drawn uniformly from all of them."""
    document, points = await label_data.draw_points(
        granted, label, asked.count, asked.seed, time=asked.t, bodies=asked.bodies
    )
    headers, budget = state_headers(document), granted.gateway.answers
    return await places_response(form, lambda: document, points, headers, budget)
