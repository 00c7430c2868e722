"""middleauth: how Neuroglancer of another origin, and services of CAVE, come by our tokens.

The viewer opens a window at ``<login_url>/api/v1/authorize``. Who is signed in there says which
viewer may read in their name; a token that is made for it is told to a page of that very origin,
and to no other: `postMessage` is given the origin, which has to be one of ``viewer_origins``.
"""

from __future__ import annotations

import json
import secrets
from html import escape
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from voxlake.api.gateway import gateway_of
from voxlake.api.guards.askers import SignedIn
from voxlake.api.guards.datasets import public
from voxlake.api.http.answers.problems import FORBIDDEN
from voxlake.api.http.layers.public_address import outer_path
from voxlake.api.people import cave
from voxlake.documents.viewer.middleauth import (
    AuthInfoDocument,
    CaveTokenDocument,
    CaveUserDocument,
)
from voxlake.platform.errors import ForbiddenError

AUTHORIZE = "/api/v1/authorize"

router = APIRouter(tags=["middleauth"])

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>voxlake: let a viewer read</title></head>
<body>
{body}
</body></html>
"""
_ASKED = """<h1>Which viewer may read?</h1>
<p>It will see what {name} may see, for {days} days, and change nothing. Choose the one that opened
this window; close it if none did.</p>
{choices}"""
_CHOICE = '<form method="post" action="{action}?origin={origin}"><button>{origin}</button></form>'
_NONE = """<h1>No viewer may read</h1>
<p>Whoever runs this gateway names the viewers of other origins that may ask, with
<code>VOXLAKE_VIEWER_ORIGINS</code>.</p>"""
_TOLD = """<h1>The viewer was told</h1>
<p>If it did not close this window, it is not the one of {origin}.</p>
<script nonce="{nonce}">
if (window.opener) window.opener.postMessage({message}, {target});
</script>"""
_POLICY = "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"


@router.get("/auth_info", summary="Where to sign in", dependencies=[Depends(public)])
async def auth_info(request: Request) -> AuthInfoDocument:
    """Return the address below which viewers find `/api/v1/authorize`."""
    return AuthInfoDocument(login_url=str(request.base_url).rstrip("/"))


@router.get(
    AUTHORIZE,
    summary="Let a viewer read",
    response_class=HTMLResponse,
    responses={303: {"description": "To where people sign in."}},
    dependencies=[Depends(public)],
)
async def ask(request: Request) -> Response:
    """Ask whoever is signed in which viewer may read in their name; have others sign in first."""
    gateway = gateway_of(request.scope)
    principal = await gateway.identity.identify(request.scope)
    if principal.is_anonymous:
        if gateway.identity.oidc is None:
            raise gateway.identity.unknown()
        address = outer_path(request.scope, f"/login?next={AUTHORIZE}")
        return RedirectResponse(address, 303, {"Cache-Control": "no-store"})
    action = outer_path(request.scope, AUTHORIZE)
    choices = "\n".join(
        _CHOICE.format(action=escape(action), origin=escape(origin))
        for origin in gateway.settings.viewer_origins
    )
    asked = _ASKED.format(name=escape(principal.name), days=cave.LASTS.days, choices=choices)
    return _page(asked if choices else _NONE, _POLICY)


@router.post(
    AUTHORIZE,
    summary="Tell a viewer a token",
    response_class=HTMLResponse,
    responses=FORBIDDEN,
)
async def tell(
    request: Request,
    asker: SignedIn,
    origin: Annotated[str, Query(description="Of the viewer.", max_length=300)],
) -> Response:
    """Make a token that reads in the name of whoever asks, and tell it the window's opener.

    Its name is that of the viewer's origin. No page of another origin is told.
    """
    if origin not in asker.gateway.settings.viewer_origins:
        raise ForbiddenError(
            f"{origin} is none of the viewers that may read here; whoever runs this gateway names "
            "them with VOXLAKE_VIEWER_ORIGINS"
        )
    secret = await cave.make_token(asker, f"viewer at {origin}")
    own = urlsplit(str(request.base_url))
    message = {"token": secret, "app_urls": [f"{own.scheme}://{own.netloc}"]}
    nonce = secrets.token_urlsafe(16)
    told = _TOLD.format(
        origin=escape(origin), nonce=nonce, message=_script(message), target=_script(origin)
    )
    return _page(told, f"{_POLICY}; script-src 'nonce-{nonce}'")


@router.get("/api/v1/user/cache", summary="Who carries a token", responses=FORBIDDEN)
async def get_user(asker: SignedIn) -> CaveUserDocument:
    """Return who asks, in the form that services of CAVE know.

    Of the datasets that they may read, the first 1000 by name are told.
    """
    return await cave.describe(asker)


@router.get("/api/v1/user/token", summary="List tokens for CAVE", responses=FORBIDDEN)
async def list_tokens(asker: SignedIn) -> list[CaveTokenDocument]:
    """Return the tokens of whoever asks that are good for no more than what they ask by."""
    return await cave.list_tokens(asker)


@router.post("/api/v1/user/token", summary="Make a token for CAVE", responses=FORBIDDEN)
async def make_token(asker: SignedIn) -> str:
    """Return the secret of a new token that reads for seven days. It is shown once."""
    return await cave.make_token(asker, "CAVE")


@router.get("/api/v1/app", summary="List applications for CAVE", responses=FORBIDDEN)
async def list_apps(request: Request, _: SignedIn) -> list[dict[str, str]]:
    """Return the one application that there is, this gateway."""
    return [{"url": str(request.base_url).rstrip("/")}]


def _page(body: str, policy: str) -> Response:
    headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store"}
    return HTMLResponse(_PAGE.format(body=body), headers=headers)


def _script(value: object) -> str:
    """Return a value as it may stand in a script of a page."""
    return json.dumps(value).replace("<", "\\u003c")
