"""Labels: which are in a box, and where one is."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from voxlake.api import data
from voxlake.api.describe import named_ranges
from voxlake.api.documents import ExtentDocument, LabelsDocument
from voxlake.api.guard import Granted, requires
from voxlake.api.query import Ranges, parse_box
from voxlake.platform.access import Permission

router = APIRouter(
    prefix="/v2/datasets/{collection}/{experiment}/{dataset}/labels", tags=["labels"]
)

MayReadVoxels = Annotated[Granted, Depends(requires(Permission.READ_VOLUMETRIC_DATA))]


@router.get("", summary="List the labels in a box")
async def get_labels(
    granted: MayReadVoxels,
    ranges: Annotated[Ranges, Query()],
    counts: Annotated[bool, Query(description="Also count voxels.")] = False,  # noqa: FBT002
) -> LabelsDocument:
    """Return the labels that have voxels in a box of level 0. Exact, background left out."""
    axes = (await data.open_dataset(granted)).multiscale.axis_names
    box = parse_box(ranges.by_axis(), axes, (await data.open_volume(granted, 0)).shape)
    found = await data.labels_in_box(granted, box, counts=counts)
    return LabelsDocument(
        box=named_ranges(box, axes),
        labels=[str(label) for label in found.labels.tolist()],
        counts=None if found.voxels is None else found.voxels.tolist(),
    )


@router.get("/{label}", summary="Locate a label")
async def get_label(
    granted: MayReadVoxels,
    label: Annotated[int, Path(ge=1, lt=2**64, description="Any id but background, 0.")],
) -> ExtentDocument:
    """Return the tightest box around one label and its number of voxels, at level 0."""
    axes = (await data.open_dataset(granted)).multiscale.axis_names
    extent = await data.label_extent(granted, label)
    return ExtentDocument(
        label=str(label), voxels=extent.voxels, box=named_ranges(extent.box, axes)
    )
