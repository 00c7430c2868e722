"""Labels: which are in a box, where they are, which is at a point, and ids for new ones."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from fastapi import APIRouter, Depends, Header, Path, Query, Response
from pydantic import BaseModel, Field

from voxlake.api.data import datasets as data
from voxlake.api.data import labels as label_data
from voxlake.api.guard import Granted, requires
from voxlake.api.http.arrow_body import ARROW, wants_arrow
from voxlake.api.http.intake import JsonBody, described
from voxlake.api.http.problems import documented
from voxlake.api.http.query import Ranges, parse_box
from voxlake.api.v2.label_describe import (
    chunks_document,
    extent_document,
    points_document,
)
from voxlake.api.v2.label_documents import (
    MAX_LABELS,
    MAX_POINTS,
    BlockDocument,
    ChunksDocument,
    ExtentDocument,
    LabelListDocument,
    LabelsAtDocument,
    LabelsDocument,
    LookupQuestion,
    PointsDocument,
    PointsQuestion,
    ReserveQuestion,
)
from voxlake.api.v2.label_lists import list_response
from voxlake.documents.box import BoxDocument
from voxlake.platform.access import Permission

router = APIRouter(
    prefix="/v2/datasets/{collection}/{experiment}/{dataset}/labels", tags=["labels"]
)

MayReadVoxels = Annotated[Granted, Depends(requires(Permission.READ_VOLUMETRIC_DATA))]
MayAddVoxels = Annotated[Granted, Depends(requires(Permission.ADD_VOLUMETRIC_DATA))]
OneLabel = Annotated[int, Path(ge=1, lt=2**64, description="Any id but background, 0.")]
Bodies = Annotated[
    bool, Query(description="Apply the mapping from supervoxels to bodies: ids are of bodies.")
]
Form = Annotated[str | None, Query(alias="format", description="`json` or `arrow`.")]
Accept = Annotated[str | None, Header()]
LISTS = {
    200: {
        "description": "The labels.",
        "content": {ARROW.media_type: {"schema": {"type": "string", "format": "binary"}}},
    },
    **documented(406, "It can be had as JSON and as Arrow only."),
    **documented(413, "There are too many."),
}


class Draw(BaseModel):
    """How voxels of a label are drawn."""

    count: int = Field(1, ge=0, le=MAX_POINTS, description="How many.")
    seed: int = Field(0, ge=0, description="The same seed draws the same points.")
    bodies: bool = Field(default=False, description="Apply the mapping: the id is that of a body.")


@router.get("", summary="List the labels in a box")
async def get_labels(
    answer: Response,
    granted: MayReadVoxels,
    ranges: Annotated[Ranges, Query()],
    counts: Annotated[bool, Query(description="Also count voxels.")] = False,  # noqa: FBT002
    bodies: Bodies = False,  # noqa: FBT002
) -> LabelsDocument:
    """Return the labels that have voxels in a box of level 0. Exact, background left out."""
    label_data.index_url(granted)
    axes = (await data.open_dataset(granted)).multiscale.axis_names
    box = parse_box(ranges.by_axis(), axes, (await data.open_volume(granted, 0)).shape)
    found = await label_data.labels_in_box(granted, box, counts=counts, bodies=bodies)
    answer.headers.update(found.headers())
    return LabelsDocument(
        box=BoxDocument.of(box, axes),
        labels=[str(label) for label in found.value.labels.tolist()],
        counts=None if found.value.voxels is None else found.value.voxels.tolist(),
    )


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
    found = await label_data.largest_labels(granted, n, bodies=bodies)
    return list_response(granted, found, arrow=arrow)


@router.post(
    "/lookup",
    summary="Locate many labels",
    response_model=LabelListDocument,
    responses=LISTS,
    openapi_extra=described(LookupQuestion),
)
async def look_up(
    granted: MayReadVoxels,
    asked: Annotated[LookupQuestion, Depends(JsonBody(LookupQuestion))],
    form: Form = None,
    accept: Accept = None,
) -> Response:
    """Return boxes and voxel counts of many labels, ascending: one pass over the index."""
    arrow = wants_arrow(form, accept)
    found = await label_data.find_labels(granted, asked.labels, bodies=asked.bodies)
    return list_response(granted, found, asked.labels, arrow=arrow)


@router.post(
    "/points", summary="Tell the labels at points", openapi_extra=described(PointsQuestion)
)
async def post_points(
    granted: MayReadVoxels,
    asked: Annotated[PointsQuestion, Depends(JsonBody(PointsQuestion))],
) -> LabelsAtDocument:
    """Return which label is at each of some points of level 0: of the voxels as they are."""
    points = np.array(asked.points, np.int64).reshape(-1, 3)
    found = await label_data.labels_at(granted, points, bodies=asked.bodies)
    return LabelsAtDocument(labels=list(map(str, found.value.tolist())), mapping=found.mapping)


@router.post(
    "/reserve",
    summary="Reserve ids for new labels",
    responses={**documented(403, "Reading is allowed, and this is not.")},
    openapi_extra=described(ReserveQuestion),
)
async def reserve(
    granted: MayAddVoxels,
    asked: Annotated[ReserveQuestion, Depends(JsonBody(ReserveQuestion))],
) -> BlockDocument:
    """Return ids in a row that no voxel has, and that nobody else is ever given."""
    block = await label_data.reserve(granted, asked.count)
    return BlockDocument(first=str(block.start), stop=str(block.stop))


@router.get("/{label}", summary="Locate a label")
async def get_label(
    answer: Response,
    granted: MayReadVoxels,
    label: OneLabel,
    point: Annotated[bool, Query(description="Also find a voxel inside it.")] = False,  # noqa: FBT002
    bodies: Bodies = False,  # noqa: FBT002
) -> ExtentDocument:
    """Return the tightest box around one label and its number of voxels, at level 0."""
    found = await label_data.locate(granted, label, point=point, bodies=bodies)
    answer.headers.update(found.headers())
    return extent_document(found)


@router.get("/{label}/chunks", summary="List the chunks that hold a label")
async def get_chunks(
    answer: Response,
    granted: MayReadVoxels,
    label: OneLabel,
    bodies: Bodies = False,  # noqa: FBT002
) -> ChunksDocument:
    """Return where in the grid of chunks of level 0 a label is, and their Morton numbers."""
    found = await label_data.chunks_of(granted, label, bodies=bodies)
    answer.headers.update(found.headers())
    return chunks_document(label, (await data.open_volume(granted, 0)).chunk, found)


@router.get("/{label}/points", summary="Draw voxels of a label")
async def get_points(
    answer: Response,
    granted: MayReadVoxels,
    label: OneLabel,
    draw: Annotated[Draw, Query()],
) -> PointsDocument:
    """Return voxels that have a label, drawn uniformly from all of them."""
    found = await label_data.points_of(granted, label, draw.count, draw.seed, bodies=draw.bodies)
    answer.headers.update(found.headers())
    return points_document(label, found)
