"""Whether the catalog and the store answer."""

from __future__ import annotations

from starlette.types import Scope

from voxlake.api.gateway import Gateway, gateway_of
from voxlake.platform import store
from voxlake.platform.errors import ObjectNotFoundError, StoreUnavailableError, VoxlakeError

READY_SECONDS = 5.0
"""How long an outcome stands."""
PROBE = ".voxlake/probe"
"""Key asked for below the lake: that it is not there is as good an answer as any."""


async def check_ready(scope: Scope) -> None:
    """Raise StoreUnavailableError, saying which, if the catalog or the store does not answer.

    The outcome, good or bad, stands for a few seconds, so that probes cost nothing.
    """
    gateway = gateway_of(scope)
    fault = await gateway.readiness.get("ready", lambda: _find_fault(gateway))
    if fault is not None:
        raise StoreUnavailableError(f"{fault}; the server cannot work until it does")


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
