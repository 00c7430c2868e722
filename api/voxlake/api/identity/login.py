"""Signing in and out with a browser: at the issuer, or by the one-time link of a local server."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response

from voxlake.api.gateway import gateway_of
from voxlake.api.guards.datasets import public
from voxlake.api.http.answers.problems import from_error
from voxlake.api.http.layers.public_address import outer_path
from voxlake.api.identity.local import SESSION_SECONDS, LocalIdentity
from voxlake.api.identity.oidc.flow import CALLBACK, FLOW_SECONDS, Callback, Flow
from voxlake.documents.service.gateway import LoginLinkDocument
from voxlake.platform.errors import (
    InvalidInputError,
    NotFoundError,
    UnauthenticatedError,
    VoxlakeError,
)

if TYPE_CHECKING:
    # Loaded only where there is an issuer: it brings an HTTP client along.
    from voxlake.api.identity.oidc.login import OidcLogin

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

_OTHERS: dict[str, Any] = {
    "parameters": [
        {
            "name": "others",
            "in": "query",
            "description": "What else an issuer sends is ignored.",
            "style": "form",
            "explode": True,
            "schema": {"type": "object", "additionalProperties": {"type": "string"}},
        }
    ]
}
_NO_STORE = {"Cache-Control": "no-store"}

router = APIRouter(tags=["login"], dependencies=[Depends(public)])


@router.get(
    "/login",
    summary="Sign in with a browser",
    status_code=303,
    response_class=RedirectResponse,
)
async def login(
    request: Request,
    once: Annotated[
        str | None,
        Query(description="The secret of a one-time link of a local server.", max_length=100),
    ] = None,
    target: Target = "/",
) -> RedirectResponse:
    """Go on to the issuer, or redeem a one-time link; in the end, go on to `next`.

    A link is good for one use. Who is signed in already just goes on to `next`.
    """
    target = check_next(target)
    identity = gateway_of(request.scope).identity
    answer = _to(request, target)
    if identity.local is not None and once is not None:
        return await _redeem(request, identity.local, once, answer)
    if not (await identity.identify(request.scope)).is_anonymous:
        return answer
    if identity.oidc is None:
        raise UnauthenticatedError(f"nobody is signed in; {identity.sign_in}")
    flow = Flow.begin(target)
    answer = RedirectResponse(await identity.oidc.begin(flow), 303, _NO_STORE)
    identity.oidc.cookie.put(answer, flow.text(), FLOW_SECONDS)
    return answer


async def _redeem(
    request: Request, local: LocalIdentity, once: str, answer: RedirectResponse
) -> RedirectResponse:
    try:
        session = local.redeem(once)
    except UnauthenticatedError:
        if (await gateway_of(request.scope).identity.identify(request.scope)).is_anonymous:
            raise
        return answer
    answer.set_cookie(
        local.cookie,
        session,
        max_age=SESSION_SECONDS,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )
    return answer


@router.get(
    CALLBACK,
    summary="Come back from the issuer",
    status_code=303,
    response_class=RedirectResponse,
    openapi_extra=_OTHERS,
)
async def come_back(
    request: Request,
    state: Annotated[str | None, Query(description="Of which login.")] = None,
    code: Annotated[str | None, Query(description="What tokens are given for.")] = None,
    error: Annotated[str | None, Query(description="Why nobody is let in.")] = None,
    iss: Annotated[str | None, Query(description="Which issuer this is from.")] = None,
) -> Response:
    """Set the session cookie and go on to where the login was to lead.

    A login ends in the browser that began it, within ten minutes, and once.
    """
    oidc = gateway_of(request.scope).identity.oidc
    if oidc is None:
        raise NotFoundError("this gateway has no issuer where people sign in")
    flow = Flow.parse(oidc.cookie.read(request.headers) or "")
    if flow is None:
        raise InvalidInputError(
            "no login was begun in this browser, or too long ago; sign in again at /login"
        )
    answer: Response
    try:
        answer = await _finish(request, oidc, flow, Callback(state, code, error, iss))
    except VoxlakeError as failure:
        answer = from_error(request.scope, failure)
    if state == flow.state:
        oidc.cookie.drop(answer)
    return answer


async def _finish(
    request: Request, oidc: OidcLogin, flow: Flow, callback: Callback
) -> RedirectResponse:
    """Sign in who comes back; a session that the browser had before is over."""
    profile = await oidc.finish(flow, callback)
    answer = _to(request, check_next(flow.target))
    await oidc.signed_in.end(request.headers)
    await oidc.signed_in.begin(profile, answer)
    return answer


@router.post(
    "/logout",
    summary="Sign out",
    status_code=303,
    response_class=RedirectResponse,
)
async def logout(request: Request) -> RedirectResponse:
    """End the session of the browser, and go on to the issuer, which ends its own."""
    identity = gateway_of(request.scope).identity
    answer = _to(request, "/")
    if identity.oidc is not None:
        signed_in = identity.oidc.signed_in
        await signed_in.end(request.headers)
        if (address := await identity.oidc.end_address()) is not None:
            answer = RedirectResponse(address, 303, _NO_STORE)
        signed_in.cookie.drop(answer)
    elif identity.local is not None:
        identity.local.sign_out(request.headers)
        answer.delete_cookie(identity.local.cookie, httponly=True, samesite="lax")
    return answer


@router.post("/login-links", summary="Make a one-time login link")
async def make_link(request: Request, target: Target = "/") -> LoginLinkDocument:
    """Return a new link that logs a browser in, once; the owner alone may ask for it."""
    identity = gateway_of(request.scope).identity
    principal = await identity.identify(request.scope)
    if identity.local is None or not principal.administers:
        raise UnauthenticatedError(
            "only the owner of a local server makes login links; send the owner's token as "
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


def _to(request: Request, target: str) -> RedirectResponse:
    return RedirectResponse(outer_path(request.scope, target), 303, _NO_STORE)
