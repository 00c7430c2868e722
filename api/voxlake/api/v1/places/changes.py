"""What the routes that make, change and delete resources of bossDB have in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial

from fastapi import Request
from fastapi.responses import Response

from voxlake.api.guards.askers import Asker, grant_place
from voxlake.api.places.planned import set_public
from voxlake.api.v1.routers import refusal
from voxlake.platform.access import AssignGroup
from voxlake.platform.errors import ConflictError, InvalidInputError

HELD_BY_OTHERS = 4003


def check_named(said: str | None, name: str) -> None:
    """Raise InvalidInputError if a body says another name than its address."""
    if said not in (None, name):
        raise InvalidInputError(f"the address says {name!r} and the body {said!r}; say the same")


@contextmanager
def taken_is_wrong() -> Iterator[None]:
    """Tell of a name that is taken as bossDB does: the argument is wrong."""
    try:
        yield
    except ConflictError as error:
        raise InvalidInputError(str(error)) from error


async def refusing_held(request: Request, removing: Awaitable[object]) -> Response | None:
    """Delete something, or say in bossDB's way that others need it."""
    try:
        await removing
    except ConflictError as error:
        return refusal(request, error, HELD_BY_OTHERS, 400)
    return Response(status_code=204)


async def sharing(asker: Asker, *place: str) -> Callable[..., Awaitable[None]]:
    """Return what says whether a place is public; raise ForbiddenError to who may not share it."""
    return partial(set_public, await grant_place(asker, "/".join(place), AssignGroup))
