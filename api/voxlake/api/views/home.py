"""The page at ``/``: the datasets that the asker may see, with links to views of them."""

from __future__ import annotations

from html import escape
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response
from starlette.types import Scope

from voxlake.api.gateway import gateway_of
from voxlake.api.guard import Granted, MayList, public
from voxlake.api.http.layers.envelope import SECURITY_HEADERS
from voxlake.api.http.layers.public_address import outer_path
from voxlake.platform.access import Read

router = APIRouter(include_in_schema=False)

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>voxlake</title></head>
<body>
<h1>Datasets</h1>
{listed}
{asker}
<p>Programs ask <a href="{root}/v2/datasets">/v2/datasets</a>;
<a href="{root}/openapi.json">/openapi.json</a> describes all that they can ask.</p>
</body></html>
"""

_BY_LINK = """<p>This page lists what you may see: log in for more with a link that
<code>voxlake serve</code> prints, or a new one by <code>voxlake login-link</code>.</p>"""
_SIGN_IN = """<p>This page lists what you may see:
<a href="{root}/login">sign in</a> for more.</p>"""
_SIGN_OUT = """<form method="post" action="{root}/logout">
<p>You are signed in as {name}. <button>Sign out</button></p></form>"""

_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">'
    '<rect width="16" height="16" rx="3" fill="#164e63"/>'
    '<path d="M3 4l5 8 5-8" fill="none" stroke="#fff" stroke-width="2"/></svg>'
)


@router.get("/", response_class=HTMLResponse)
async def home(request: Request, readable: MayList) -> HTMLResponse:
    """List the datasets that the asker may see."""
    root = escape(outer_path(request.scope, ""))
    rows = "\n".join(_row(each, root) for each in readable)
    listed = f"<ul>\n{rows}\n</ul>" if rows else "<p>There are none that you may see.</p>"
    page = _PAGE.format(listed=listed, root=root, asker=await _asker(request.scope, root))
    headers = {"Cache-Control": "no-store", "Content-Security-Policy": _policy(request.scope)}
    return HTMLResponse(page, headers=headers)


def _policy(scope: Scope) -> str:
    """Return the policy of the page: who signs out here is sent on to the issuer."""
    oidc, policy = gateway_of(scope).identity.oidc, SECURITY_HEADERS["Content-Security-Policy"]
    if oidc is None:
        return policy
    issuer = urlsplit(oidc.issuer.url)
    allowed = f"form-action 'self' {issuer.scheme}://{issuer.netloc}"
    return policy.replace("form-action 'none'", allowed)


async def _asker(scope: Scope, root: str) -> str:
    """Return who asks and how they sign in or out, as a part of the page."""
    identity = gateway_of(scope).identity
    if identity.oidc is None:
        return _BY_LINK
    principal = await identity.identify(scope)
    if principal.is_anonymous:
        return _SIGN_IN.format(root=root)
    return _SIGN_OUT.format(root=root, name=escape(principal.name))


@router.get("/favicon.ico", dependencies=[Depends(public)])
async def favicon() -> Response:
    """Return the icon that browsers ask for."""
    return Response(_ICON, media_type="image/svg+xml", headers={"Cache-Control": "max-age=86400"})


def _row(granted: Granted[Read], root: str) -> str:
    record = granted.record
    name = escape(str(record.name))
    return (
        f'<li><a href="{root}/view/{name}">{name}</a>: {escape(record.kind)}, {record.state} '
        f'(<a href="{root}/v2/datasets/{name}">about it</a>)</li>'
    )
