"""The address at which people reach the gateway, whichever proxies are in between."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from voxlake.api.http.layers.forwarded import Forwarded, Networks, is_trusted, parse_address, unwrap
from voxlake.api.http.layers.layer import Layer


class PublicAddress(Layer):
    """Gives a request the address that was asked for, and the client that asked.

    Scheme, host and the path below which the gateway is shown are those of `public_url` if there is
    one, and nothing that is sent changes them; else what `trusted_proxies` say of them is believed,
    else the request itself. Links, redirects and cookies are made of these.
    """

    def __init__(self, app: ASGIApp, public_url: str | None, trusted_proxies: Networks) -> None:
        super().__init__(app)
        self._public = urlsplit(public_url) if public_url else None
        self._proxies = trusted_proxies

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        said = self._unwrap(scope) if self._proxies else None
        if said is not None:
            scope["client"] = (str(said.client), 0)
        if self._public is not None:
            _rewrite(scope, self._public.scheme, self._public.netloc, self._public.path)
        elif said is not None:
            _rewrite(scope, said.scheme, said.host, said.prefix)
        await self.app(scope, receive, send)

    def _unwrap(self, scope: Scope) -> Forwarded | None:
        peer = parse_address((scope["client"] or ("",))[0])
        if peer is None or not is_trusted(peer, self._proxies):
            return None
        return unwrap(peer, Headers(scope=scope), self._proxies)


def _rewrite(scope: Scope, scheme: str, host: str, prefix: str) -> None:
    """Put what is not empty in the place of what the request says."""
    if scheme:
        scope["scheme"] = scheme
    hosts = sum(name == b"host" for name, _ in scope["headers"])
    # A request that names two is malformed, and is refused.
    if host and hosts <= 1:
        kept = [(name, value) for name, value in scope["headers"] if name != b"host"]
        scope["headers"] = [(b"host", host.encode("latin-1")), *kept]
    if prefix:
        scope["root_path"] = prefix
        # A proxy may leave it on or take it off.
        if not f"{scope['path']}/".startswith(f"{prefix}/"):
            scope["path"] = prefix + scope["path"]


def inner_path(scope: Scope) -> str:
    """Return the path that is asked for, as routes name it."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


def outer_path(scope: Scope, path: str) -> str:
    """Return the path that browsers ask for to get to `path`, as routes name it."""
    return f"{scope.get('app_root_path', scope.get('root_path', ''))}{path}"
