"""Whether the catalog, the store and the issuer answer."""

from __future__ import annotations

from typing import Literal

from voxlake.api.gateway import Gateway
from voxlake.platform import store
from voxlake.platform.errors import (
    IssuerUnavailableError,
    ObjectNotFoundError,
    StoreUnavailableError,
    VoxlakeError,
)

type IssuerState = Literal["ok", "stale", "unavailable"]

READY_SECONDS = 5.0
"""How long an outcome stands."""
PROBE = ".voxlake/probe"
"""Key asked for below the lake: that it is not there is as good an answer as any."""


async def check_ready(gateway: Gateway) -> IssuerState | None:
    """Return whether the issuer answers, if there is one.

    A server without one goes on with what needs none: what is public, sessions and API tokens.

    The outcome for catalog and store stands for a few seconds, so that probes cost nothing; the
    issuer is asked when its keys are due.

    Raises
    ------
    StoreUnavailableError
        If the catalog or the store does not answer; it says which.
    """
    fault = await gateway.readiness.get("ready", lambda: _find_fault(gateway))
    if fault is not None:
        raise StoreUnavailableError(f"{fault}; the server cannot work until it does")
    bearer = gateway.identity.bearer
    try:
        return None if bearer is None else await bearer.issuer.state()
    except IssuerUnavailableError:
        return "unavailable"


def _find_fault(gateway: Gateway) -> str | None:
    try:
        gateway.catalog.list_datasets("readyz")
    except (VoxlakeError, OSError) as error:
        return f"the catalog does not answer ({type(error).__name__})"
    try:
        store.head(gateway.lake / PROBE)
    except ObjectNotFoundError:
        return None
    except VoxlakeError as error:
        return f"the store does not answer ({error.kind})"
    return None
