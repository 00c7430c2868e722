"""The one-time login link of a local server."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse

from voxlake.api.gateway import gateway_of
from voxlake.api.guard import public
from voxlake.api.http.public_address import outer_path
from voxlake.api.identity.local import SESSION_SECONDS
from voxlake.documents.service import LoginLinkDocument
from voxlake.platform.errors import InvalidInputError, UnauthenticatedError

_PATH = r"/([!-.0-\[\]-~][!-\[\]-~]*)?"
"""A path of this server, as browsers take it: no ``//`` at its start, no backslash."""

type Target = Annotated[
    str,
    Query(
        alias="next",
        description="A path of this server.",
        max_length=2000,
        json_schema_extra={"pattern": f"^{_PATH}$"},
    ),
]

router = APIRouter(tags=["login"], dependencies=[Depends(public)])


@router.get(
    "/login",
    summary="Log in with a one-time link",
    status_code=303,
    response_class=RedirectResponse,
)
async def login(
    request: Request,
    once: Annotated[str, Query(description="The secret of the link.", max_length=100)],
    target: Target = "/",
) -> RedirectResponse:
    """Set the session cookie and go on to `next`. A link is good for one use.

    Using it again in a browser that is logged in already just goes on to `next`.
    """
    target = check_next(target)
    identity = gateway_of(request.scope).identity
    answer = RedirectResponse(outer_path(request.scope, target), 303, {"Cache-Control": "no-store"})
    try:
        session = identity.local.redeem(once)
    except UnauthenticatedError:
        if (await identity.identify(request.scope)).is_anonymous:
            raise
        return answer
    answer.set_cookie(
        identity.local.cookie,
        session,
        max_age=SESSION_SECONDS,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )
    return answer


@router.post("/login-links", summary="Make a one-time login link")
async def make_link(request: Request, target: Target = "/") -> LoginLinkDocument:
    """Return a new link that logs a browser in, once; the owner alone may ask for it."""
    identity = gateway_of(request.scope).identity
    if not (await identity.identify(request.scope)).is_owner:
        raise UnauthenticatedError(
            "only the owner of this server makes login links; send the owner's token as "
            "`Authorization: Bearer TOKEN`, as `voxlake login-link` does"
        )
    link = identity.local.login_link(str(request.base_url), check_next(target))
    return LoginLinkDocument(login_link=link)


def check_next(target: str) -> str:
    r"""Return `target` if it is a path of this server.

    Raises
    ------
    InvalidInputError
        If a browser could take it for an address elsewhere: ``//host``, ``/\host``, ``http:``.

    Examples
    --------
    >>> check_next("/view/flyem/medulla/em")
    '/view/flyem/medulla/em'
    """
    if not re.fullmatch(_PATH, target):
        raise InvalidInputError(
            f"next={target!r} is no path of this server; give one that begins with a single '/'"
        )
    return target
