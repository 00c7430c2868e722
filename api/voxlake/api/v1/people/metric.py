"""Usage, and its limits, as bossDB's clients ask."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query
from fastapi.responses import Response

from voxlake.api.guards.askers import Administrator, SignedIn
from voxlake.api.http.requests.intake import LaxBody
from voxlake.api.people import usage
from voxlake.api.v1.routers import boss_router
from voxlake.documents.bossdb.metrics import (
    BossLimits,
    BossManyDefaults,
    BossMetric,
    BossThreshold,
    BossUsage,
)

router = boss_router("/metric")


@router.get("/metrics", summary="List limits of all others")
async def list_metrics(asker: Administrator) -> tuple[BossMetric, ...]:
    """Return what all may have that have no limit of their own, for administrators."""
    return await usage.list_metrics(asker)


@router.put("/metrics", summary="Limit all others", status_code=201, response_class=Response)
async def put_metrics(
    asker: Administrator, asked: Annotated[BossManyDefaults, Depends(LaxBody(BossManyDefaults))]
) -> Response:
    """Say what all may have that have no limit of their own, for administrators."""
    await usage.set_limits(asker, (limit for each in asked.root for limit in each.limits))
    return Response(status_code=201)


@router.get("/thresholds", summary="List limits")
async def list_thresholds(asker: Administrator) -> tuple[BossThreshold, ...]:
    """Return the limits of all subjects, for administrators."""
    limits = (await usage.list_limits(asker)).limits
    return tuple(
        BossThreshold(metric=each.subject, mtype=each.metric, limit=each.limit) for each in limits
    )


@router.put("/thresholds", summary="Limit subjects", status_code=201, response_class=Response)
async def put_thresholds(
    asker: Administrator, asked: Annotated[BossLimits, Depends(LaxBody(BossLimits))]
) -> Response:
    """Say what subjects may have in a month, for administrators."""
    await usage.set_limits(asker, asked.root)
    return Response(status_code=201)


@router.get("/usage", summary="List what was used")
async def list_usage(
    asker: SignedIn,
    metric: Annotated[
        str | None, Query(max_length=300, description="Of `system`, `api:NAME` or `user:NAME`.")
    ] = None,
) -> tuple[BossUsage, ...]:
    """Return what was used in this month: one's own; for administrators all, or of one subject."""
    return await usage.list_usage(asker, metric)
