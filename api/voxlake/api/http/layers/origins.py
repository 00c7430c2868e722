"""Which pages may call: the Host header (DNS rebinding), CORS, and who may change something.

Any origin may call without a cookie: public data are public, and no answer allows a foreign page
to use a cookie (`Access-Control-Allow-Credentials` is never sent). Browsers send cookies along
unasked from pages of other ports of the same machine, and of other hosts of the same site. So what
changes something is taken with a cookie from this server's own pages only, and whatever else a
foreign page fetches is fetched as if without one; links from foreign pages are followed with it.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from voxlake.api.http.answers.problems import problem
from voxlake.api.http.layers.layer import Layer, with_headers
from voxlake.platform.loopback import is_loopback

_HOST = re.compile(r"(?:\[([0-9A-Fa-f]*:[0-9A-Fa-f:.]*)\]|([A-Za-z0-9_.-]+))(?::[0-9]{0,5})?")
"""A name or address, and a port (RFC 9112, 3.2): nothing before it, and nothing behind."""

SHARED = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Accept-Ranges, Content-Encoding, Content-Length, "
    "Content-Range, ETag, X-Request-Id, X-Voxlake-Axes, X-Voxlake-Box, X-Voxlake-Dtype, "
    "X-Voxlake-Level, X-Voxlake-Shape, X-Index-As-Of, X-Index-Consistency, X-Voxlake-Mapping, "
    "X-Voxlake-Next, X-Voxlake-State, RateLimit, RateLimit-Policy, Retry-After",
}
"""Headers of every answer."""
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""
PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Range, If-None-Match, If-Range, "
    "If-Match, Content-Digest, Repr-Digest, Prefer",
    "Access-Control-Max-Age": "7200",
}


class OriginCheck(Layer):
    """Refuses requests to names of other hosts, and changes that a foreign page asks for.

    It answers preflights, before anybody wants to know who asks.

    With a `public_url` this is the host of every request (`PublicAddress`); else only names that
    this machine alone answers to are.
    """

    def __init__(self, app: ASGIApp, public_url: str | None = None) -> None:
        super().__init__(app)
        self.host = urlsplit(public_url or "").hostname

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        app = refuse(scope, self.host) or self.app
        if app is self.app and scope["method"] == "OPTIONS":
            app = preflight(scope)
        await app(scope, receive, send)


def refuse(scope: Scope, own: str | None) -> Response | None:
    """Return the answer to a request that is not to be served; None if it is.

    A page of a foreign site can point its own name at 127.0.0.1 and would then be of the same
    origin as a local server; the Host header still tells its name.
    """
    name = host_name(scope)
    if name is None or not (name == own or is_loopback(name)):
        given = ", ".join(Headers(scope=scope).getlist("host"))
        detail = (
            f"the host {given!r} is not this server's; it answers to localhost, 127.0.0.1 and the "
            "like, ::1, and where VOXLAKE_PUBLIC_URL is set, to that address"
        )
        return problem(scope, "wrong-host", HTTPStatus.MISDIRECTED_REQUEST, detail)
    if has_cookie(scope) and not is_ours(scope):
        if scope["method"] not in SAFE:
            detail = (
                "a cookie asks for a change, and not from a page of this server; ask from one, or "
                "send a token as `Authorization: Bearer TOKEN`"
            )
            return problem(scope, "foreign-origin", HTTPStatus.FORBIDDEN, detail)
        if is_fetched_by_foreign_page(scope):
            drop_cookies(scope)
    return None


def host_name(scope: Scope) -> str | None:
    """Return the name in the Host header, without its port; None if it is malformed or doubled.

    A program that speaks HTTP/1.0 and sends none, which no browser does, asks for this server.
    """
    given = Headers(scope=scope).getlist("host")
    if not given and scope["http_version"] == "1.0":
        return "localhost"
    parts = _HOST.fullmatch(given[0]) if len(given) == 1 else None
    return parts and (parts[1] or parts[2]).lower()


def has_cookie(scope: Scope) -> bool:
    """Return whether a cookie is all that says who asks."""
    names = {name for name, _ in scope["headers"]}
    return b"cookie" in names and b"authorization" not in names


def is_ours(scope: Scope) -> bool:
    """Return whether a browser says that a page of this very origin sends this.

    `Sec-Fetch-Site` no page can write itself; older browsers send an Origin with everything but
    plain GET and HEAD.
    """
    headers = Headers(scope=scope)
    if site := headers.get("sec-fetch-site"):
        return site == "same-origin"
    own = f"{scope['scheme']}://{headers.get('host', '')}"
    return headers.get("origin", "").lower() == own.lower()


def is_fetched_by_foreign_page(scope: Scope) -> bool:
    """Return whether a page that is not ours sends this, and stays where it is."""
    headers = Headers(scope=scope)
    if headers.get("sec-fetch-mode") == "navigate":
        return False
    site = headers.get("sec-fetch-site")
    return site in {"cross-site", "same-site"} if site else "origin" in headers


def drop_cookies(scope: Scope) -> None:
    """Have a request be as if it carried none."""
    scope["headers"] = [each for each in scope["headers"] if each[0] != b"cookie"]


class Cors(Layer):
    """Adds CORS headers to every answer, errors included."""

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        await self.app(scope, receive, with_headers(send, lambda headers: headers.update(SHARED)))


def preflight(scope: Scope) -> Response:
    """Return the answer to an OPTIONS request, the same for every address."""
    headers = dict(PREFLIGHT)
    if Headers(scope=scope).get("access-control-request-private-network") == "true":
        headers["Access-Control-Allow-Private-Network"] = "true"
    return Response(status_code=HTTPStatus.NO_CONTENT, headers=headers)
