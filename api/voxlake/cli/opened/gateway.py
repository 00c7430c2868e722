"""Open the gateway of a command."""

from __future__ import annotations

from voxlake.client import Gateway
from voxlake.client.http.connection import is_on_this_machine
from voxlake.client.http.credentials import find


def gateway_at(url: str) -> Gateway:
    """Return a gateway as who has logged in there; on this machine, if nobody has, its owner."""
    own = is_on_this_machine(url) and find(url) is None
    return Gateway.local(url) if own else Gateway(url)
