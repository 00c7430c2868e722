"""Which pages may call: the Host header (DNS rebinding), CORS, and who may change something.

Any origin may call without a cookie: public data are public, and no answer allows a foreign page
to use the owner's cookie (`Access-Control-Allow-Credentials` is never sent). A browser sends the
cookie along unasked from pages of other ports of the same machine, so what changes something is
taken with a cookie from this server's own pages only.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from voxlake.api.http.layer import Layer, with_headers
from voxlake.api.http.problems import problem
from voxlake.platform.loopback import is_loopback

_HOST = re.compile(r"(?:\[([0-9A-Fa-f]*:[0-9A-Fa-f:.]*)\]|([A-Za-z0-9_.-]+))(?::[0-9]{0,5})?")
"""A name or address, and a port (RFC 9112, 3.2): nothing before it, and nothing behind."""

SHARED = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Accept-Ranges, Content-Encoding, Content-Length, "
    "Content-Range, ETag, X-Request-Id, X-Voxlake-Axes, X-Voxlake-Box, X-Voxlake-Dtype, "
    "X-Voxlake-Level, X-Voxlake-Shape, X-Index-As-Of, X-Index-Consistency, X-Voxlake-Mapping, "
    "X-Voxlake-Next, X-Voxlake-State",
}
"""Headers of every answer."""
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""
PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS, POST, PUT, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Range, If-None-Match, If-Range, "
    "If-Match",
    "Access-Control-Max-Age": "7200",
}


class OriginCheck(Layer):
    """Refuses requests to names of other hosts, and changes that a foreign page asks for.

    With a `public_url` this is the host of every request (`PublicAddress`); else only names that
    this machine alone answers to are.
    """

    def __init__(self, app: ASGIApp, public_url: str | None = None) -> None:
        super().__init__(app)
        self.host = urlsplit(public_url or "").hostname

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        await (refuse(scope, self.host) or self.app)(scope, receive, send)


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
    if scope["method"] not in SAFE and is_foreign(scope):
        detail = (
            "a page of another site asked for a change in the name of its reader; ask from a "
            "page of this server, or send a token as `Authorization: Bearer TOKEN`"
        )
        return problem(scope, "foreign-origin", HTTPStatus.FORBIDDEN, detail)
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


def is_foreign(scope: Scope) -> bool:
    """Return whether a page of another origin sends this with a cookie: no token, another Origin.

    Browsers send an Origin with everything but plain GET and HEAD; other programs need not.
    """
    headers = Headers(scope=scope)
    origin = headers.get("origin")
    if origin is None or "authorization" in headers or "cookie" not in headers:
        return False
    return origin.lower() != f"{scope['scheme']}://{headers.get('host', '')}".lower()


class Cors(Layer):
    """Adds CORS headers to every answer, errors included, and answers preflights before auth."""

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        app = preflight(scope) if scope["method"] == "OPTIONS" else self.app
        await app(scope, receive, with_headers(send, lambda headers: headers.update(SHARED)))


def preflight(scope: Scope) -> Response:
    """Return the answer to an OPTIONS request, the same for every address."""
    headers = dict(PREFLIGHT)
    if Headers(scope=scope).get("access-control-request-private-network") == "true":
        headers["Access-Control-Allow-Private-Network"] = "true"
    return Response(status_code=HTTPStatus.NO_CONTENT, headers=headers)
