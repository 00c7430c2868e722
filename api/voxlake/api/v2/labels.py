"""Labels: which are in a box, where they are, which is at a point, and ids for new ones."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from fastapi import APIRouter, Depends, Header, Path, Query, Response

from voxlake.api.data import datasets as data
from voxlake.api.data import labels as label_data
from voxlake.api.guard import MayAddVoxels, MayReadVoxels
from voxlake.api.http.answers.arrow_body import ARROW, wants_arrow
from voxlake.api.http.answers.json_body import json_response
from voxlake.api.http.answers.label_answers import list_response, mapping_header, state_headers
from voxlake.api.http.answers.problems import BINARY, NOT_ALLOWED, documented
from voxlake.api.http.requests.intake import JsonBody
from voxlake.api.http.requests.query import Ranges
from voxlake.documents.labels import (
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
    chunks_document,
    in_box_document,
    label_document,
)

router = APIRouter(
    prefix="/v2/datasets/{collection}/{experiment}/{dataset}/labels", tags=["labels"]
)

OneLabel = Annotated[int, Path(ge=1, lt=2**64, description="Any id but background, 0.")]
Bodies = Annotated[
    bool, Query(description="Apply the mapping from supervoxels to bodies: ids are of bodies.")
]
Form = Annotated[str | None, Query(alias="format", description="`json` or `arrow`.")]
Accept = Annotated[str | None, Header()]
LISTS = {
    200: {
        "description": "The labels.",
        "content": {ARROW.media_type: BINARY},
    },
    **documented(406, "It can be had as JSON and as Arrow only."),
    **documented(413, "There are too many."),
}


@router.get("", summary="List the labels in a box", response_model=LabelsInBoxDocument)
async def get_labels(
    granted: MayReadVoxels,
    ranges: Annotated[Ranges, Query()],
    counts: Annotated[bool, Query(description="Also count voxels.")] = False,  # noqa: FBT002
    bodies: Bodies = False,  # noqa: FBT002
) -> Response:
    """Return the labels that have voxels in a box of level 0. Exact, background left out."""
    box = await label_data.box_of(granted, ranges.by_axis())
    axes = await data.axis_names(granted)
    inside, number = await label_data.labels_in_box(granted, box, counts=counts, bodies=bodies)
    headers = {"X-Index-Consistency": "latest", **mapping_header(number)}
    document = in_box_document(box, axes, inside, mapping=number)
    return json_response(document, headers, granted.gateway.answers)


@router.get(
    "/top", summary="List the largest labels", response_model=LabelListDocument, responses=LISTS
)
async def get_top(
    granted: MayReadVoxels,
    n: Annotated[int, Query(ge=1, le=MAX_LABELS, description="How many.")] = 10,
    bodies: Bodies = False,  # noqa: FBT002
    form: Form = None,
    accept: Accept = None,
) -> Response:
    """Return the labels of most voxels, most first; the smaller id of equals."""
    arrow = wants_arrow(form, accept)
    state, table = await label_data.ask_for_all(
        granted, lambda view: (StateDocument.of(view), view.largest(n)), bodies=bodies
    )
    return list_response(state, table, (), granted.gateway.answers, arrow=arrow)


@router.post(
    "/lookup", summary="Locate many labels", response_model=LabelListDocument, responses=LISTS
)
async def look_up(
    granted: MayReadVoxels,
    asked: Annotated[LookupQuestion, Depends(JsonBody(LookupQuestion))],
    form: Form = None,
    accept: Accept = None,
) -> Response:
    """Return boxes and voxel counts of many labels, ascending: one pass over the index."""
    arrow = wants_arrow(form, accept)
    state, table = await label_data.ask(
        granted, lambda view: (StateDocument.of(view), view.find(asked.labels)), bodies=asked.bodies
    )
    return list_response(state, table, asked.labels, granted.gateway.answers, arrow=arrow)


@router.post("/points", summary="Tell the labels at points")
async def post_points(
    granted: MayReadVoxels,
    asked: Annotated[PointsQuestion, Depends(JsonBody(PointsQuestion))],
) -> LabelsAtDocument:
    """Return which label is at each of some points of level 0: of the voxels as they are."""
    points = np.array(asked.points, np.int64).reshape(-1, 3)
    labels, number = await label_data.labels_at(granted, points, bodies=asked.bodies)
    return LabelsAtDocument(labels=labels.tolist(), mapping=number)


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
    point: Annotated[bool, Query(description="Also find a voxel inside it.")] = False,  # noqa: FBT002
    bodies: Bodies = False,  # noqa: FBT002
) -> LabelDocument:
    """Return the tightest box around one label and its number of voxels, at level 0."""
    document = await label_data.ask(
        granted,
        lambda view: label_document(
            view, view.extent(label), point=view.point(label) if point else None
        ),
        bodies=bodies,
    )
    answer.headers.update(state_headers(document))
    return document


@router.get(
    "/{label}/chunks",
    summary="List the chunks that hold a label",
    response_model=ChunksDocument,
)
async def get_chunks(
    granted: MayReadVoxels,
    label: OneLabel,
    bodies: Bodies = False,  # noqa: FBT002
) -> Response:
    """Return where in the grid of chunks of level 0 a label is, and their Morton numbers."""
    document = await label_data.ask(
        granted,
        lambda view: chunks_document(view, label, label_data.listed_chunks(view, label)),
        bodies=bodies,
    )
    return json_response(document, state_headers(document), granted.gateway.answers)


@router.get("/{label}/points", summary="Draw voxels of a label")
async def get_points(
    answer: Response,
    granted: MayReadVoxels,
    label: OneLabel,
    count: Annotated[int, Query(ge=0, le=MAX_POINTS, description="How many.")] = 1,
    seed: Annotated[int, Query(ge=0, description="The same seed draws the same points.")] = 0,
    bodies: Annotated[  # noqa: FBT002
        bool, Query(description="Apply the mapping: the id is that of a body.")
    ] = False,
) -> PointsDocument:
    """Return voxels that have a label, drawn uniformly from all of them."""
    document = await label_data.ask(
        granted,
        lambda view: PointsDocument.of(
            view, label=label, points=view.points(label, count, seed).tolist()
        ),
        bodies=bodies,
    )
    answer.headers.update(state_headers(document))
    return document
