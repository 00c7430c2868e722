"""To whom requests, bytes and memory are put down."""

from __future__ import annotations

from contextvars import ContextVar
from ipaddress import IPv6Address, ip_network

from starlette.types import Scope

from voxlake.api.http.layers.forwarded import parse_address
from voxlake.platform.access import Principal, Way

ACCOUNT: ContextVar[str | None] = ContextVar("ACCOUNT", default=None)
"""Of the request that is being served; None: of the owner of a local server, who has no limits."""


def account_of(principal: Principal, scope: Scope) -> str | None:
    """Return whom a request is put down to: to who asks, or if nobody says so, to their address."""
    if principal.way is Way.LOCAL:
        return None
    if principal.is_anonymous:
        return address_of(scope)
    # All who hold a link share what there is for it.
    return principal.name if principal.way is Way.LINK else f"user {principal.name}"


def address_of(scope: Scope) -> str:
    """Return the address of a client; of IPv6 its network, as each host has as many as it likes."""
    text = (scope.get("client") or ("",))[0]
    address = parse_address(text)
    if isinstance(address, IPv6Address):
        return f"address {ip_network((address, 64), strict=False)}"
    return f"address {address or text}"
