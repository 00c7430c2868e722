"""How far a channel is downsampled, as bossDB's clients ask for it, begin it and take it back."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import Response

from voxlake.api.data import datasets
from voxlake.api.data.writing import downsampling
from voxlake.api.guards.datasets import MayAddVoxels, MayDeleteVoxels, MayRead
from voxlake.api.http.answers.boss_errors import documented_as_boss
from voxlake.api.http.answers.problems import documented
from voxlake.api.v1.routers import boss_router, refusal
from voxlake.api.v1.voxels.axes import by_axis
from voxlake.documents.bossdb.resources import CUBOID, BossDownsample
from voxlake.documents.datasets.dataset import DatasetDocument
from voxlake.platform.errors import ConflictError

router = boss_router("/downsample/{collection}/{experiment}/{dataset}")

NOT_IN_THIS_STATE = 2006
OTHERWISE = documented_as_boss(documented(409, "Its levels are in another state."))


@router.get("", summary="Describe the levels")
async def get_downsample(granted: MayRead, iso: str | None = None) -> BossDownsample:  # noqa: ARG001
    """Return the levels of a channel as its OME-Zarr has them; there is one row of them."""
    dataset = await datasets.describe_stored(granted)
    levels = {str(level.level): level for level in dataset.levels}
    return BossDownsample(
        status=await downsampling.progress(granted),
        num_hierarchy_levels=len(levels),
        voxel_size={number: _xyz(dataset, level.scale, 1.0) for number, level in levels.items()},
        extent={number: _xyz(dataset, level.shape, 1) for number, level in levels.items()},
        cuboid_size=dict.fromkeys(levels, CUBOID),
    )


@router.post(
    "", summary="Begin to downsample", status_code=201, response_model=None, responses=OTHERWISE
)
async def start_downsample(request: Request, granted: MayAddVoxels) -> Response:
    """Queue a job that makes all levels of all time points anew.

    None is needed after a write: what was written to is followed by itself.
    """
    try:
        await downsampling.start(granted)
    except ConflictError as error:
        return refusal(request, error, NOT_IN_THIS_STATE)
    return Response(status_code=201)


@router.delete(
    "", summary="Cancel downsampling", status_code=204, response_model=None, responses=OTHERWISE
)
async def cancel_downsample(request: Request, granted: MayDeleteVoxels) -> Response:
    """Take the job back that makes the levels, if one is queued or runs."""
    try:
        await downsampling.cancel(granted)
    except ConflictError as error:
        return refusal(request, error, NOT_IN_THIS_STATE)
    return Response(status_code=204)


def _xyz[T](dataset: DatasetDocument, values: tuple[T, ...], default: T) -> tuple[T, T, T]:
    known = by_axis(dataset, values)
    return known.get("x", default), known.get("y", default), known.get("z", default)
