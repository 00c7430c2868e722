"""A request and its answer: what a log and metrics may know of them, and nothing secret.

The address is known by the template of its route: paths, queries, headers and bodies may hold
secrets, and are not here.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from enum import StrEnum
from time import perf_counter

from starlette.routing import BaseRoute
from starlette.types import Scope


class CutOff(StrEnum):
    """Why an answer was not sent to its end."""

    CLIENT = "client"
    """The client left."""
    STALLED = "stalled"
    """The client took nothing of it for too long."""
    DEADLINE = "deadline"
    """A part of it was not made in time."""
    FAILURE = "failure"
    """It failed after its beginning."""
    STOP = "stop"
    """The gateway was told to end, and it took longer than what such answers have."""


@dataclass(slots=True)
class Exchange:
    """A request that is being answered; it is filled in on the way."""

    method: str
    request_id: str = field(default_factory=lambda: secrets.token_hex(8))
    trace_id: str | None = None
    """What its trace is found by; None: nobody is told of it."""
    route: str | None = None
    """The template of the route; None: no route is for the address."""
    principal: str | None = None
    """The name of who asks; None: nobody wanted to know."""
    client: str | None = None
    """The address that asked, the nearest one that is no trusted proxy."""
    status: int | None = None
    """None: no answer was begun."""
    sent_bytes: int = 0
    """Of the body, as the server took them."""
    received_bytes: int = 0
    """Of the body of the request, as it was read."""
    node: int | None = None
    """The node of the dataset that it is about; None: about none, or not for whoever asks."""
    is_whole: bool = False
    """Whether the answer was sent to its end."""
    cut_off: CutOff | None = None
    begun: float = field(default_factory=perf_counter)
    seconds: float = 0.0


def exchange_of(scope: Scope) -> Exchange:
    """Return the exchange of a request; one of no account, if nobody observes it."""
    found = scope.get("state", {}).get("exchange")
    return found if isinstance(found, Exchange) else Exchange(scope["method"])


def template_of(scope: Scope) -> str | None:
    """Return the template of the route that a request went to; None: to none."""
    route = scope.get("route") or _plain_route(scope)
    template = getattr(route, "path_format", None)
    return template if isinstance(template, str) else None


def _plain_route(scope: Scope) -> BaseRoute | None:
    """Return the route of an application that is none of FastAPI's, which notes only its own."""
    endpoint = scope.get("endpoint")
    if endpoint is None:
        return None
    routes: list[BaseRoute] = scope["router"].routes
    of_endpoint = (
        route
        for route in routes
        if endpoint in (getattr(route, "endpoint", None), getattr(route, "app", None))
    )
    return next(of_endpoint, None)
