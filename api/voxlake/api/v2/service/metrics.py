"""What the gateway counts, for Prometheus."""

from __future__ import annotations

from anyio import to_thread
from fastapi import APIRouter, Depends, Request
from fastapi.responses import PlainTextResponse, Response

from voxlake.api.gateway import Gateway, gateway_of
from voxlake.api.guards.datasets import public
from voxlake.api.http.answers.problems import NOT_ALLOWED
from voxlake.api.monitoring.metrics import CONTENT_TYPE
from voxlake.platform.access import Permission, Principal
from voxlake.platform.errors import ForbiddenError, UnauthenticatedError

router = APIRouter(tags=["health"], dependencies=[Depends(public)])


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=PlainTextResponse,
    responses=NOT_ALLOWED,
)
async def get_metrics(request: Request) -> Response:
    """Return the metrics to administrators, or to everybody if the gateway is set up so.

    There is no other way in for this machine: who asks through a proxy on it, or by a page in a
    browser on it, seems to be on it too.
    """
    gateway = gateway_of(request.scope)
    if not gateway.settings.metrics_public:
        check_may_watch(await gateway.identity.identify(request.scope))
    return await _told(gateway)


def check_may_watch(principal: Principal) -> None:
    """Raise an error unless somebody may read all of the lake; a token may be limited to that.

    Raises
    ------
    UnauthenticatedError
        If nobody has said who asks.
    ForbiddenError
        If it is no administrator.
    """
    if principal.is_anonymous:
        raise UnauthenticatedError(
            "the metrics are for administrators; send a token as `Authorization: Bearer TOKEN`"
        )
    everything = principal.within is None and Permission.READ in principal.permissions
    if not (principal.is_owner and everything):
        raise ForbiddenError(
            f"{principal.name} may not read the metrics; ask with a token of an administrator "
            "that may read and is limited to no part of the lake"
        )


async def _told(gateway: Gateway) -> Response:
    body = await to_thread.run_sync(gateway.metrics.text)
    return Response(body, headers={"Cache-Control": "no-store", "Content-Type": CONTENT_TYPE})
