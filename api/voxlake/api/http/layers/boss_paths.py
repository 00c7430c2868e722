"""Addresses of bossDB's API as its clients write them: ``/latest//coord/`` is ``/v1/coord``.

Clients put slashes at the end, twice or not at all, and a redirect would lose their bodies.
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote_to_bytes

from starlette.types import Receive, Scope, Send

from voxlake.api.http.layers.layer import Layer
from voxlake.api.http.layers.public_address import inner_path

ROOT = "/v1"
UNVERSIONED = ("ping", "metric")
"""What bossDB has without a version before it."""
_PATH = re.compile(rf"/+(?:v1|latest|{'|'.join(UNVERSIONED)})(?:/.*)?", re.DOTALL)
_META, _VALUE = f"{ROOT}/meta/", b"&value="
_SLASHES = re.compile("/+")


class BossPaths(Layer):
    """Gives each address of bossDB's API its one form."""

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        path = inner_path(scope)
        if _PATH.fullmatch(path):
            path = plain(path)
            scope["path"] = scope.get("root_path", "") + path
            if path.startswith(_META):
                scope["query_string"] = whole_value(scope["query_string"])
        await self.app(scope, receive, send)


def plain(path: str) -> str:
    """Return the one form of an address of bossDB's API.

    Examples
    --------
    >>> plain("/latest/collection//"), plain("/v1//collection/lab/experiment"), plain("/ping/")
    ('/v1/collection', '/v1/collection/lab/experiment', '/v1/ping')
    """
    _, first, *parts = _SLASHES.sub("/", path).rstrip("/").split("/")
    return "/".join((ROOT, *([first] if first in UNVERSIONED else []), *parts))


def whole_value(query: bytes) -> bytes:
    """Return a query of metadata, quoted: intern sends values as they are, with `&` and `+`.

    Examples
    --------
    >>> whole_value(b"key=a+b&value=x&y=1+2")
    b'key=a%2Bb&value=x%26y%3D1%2B2'
    """
    head, sign, value = query.partition(_VALUE)
    quoted = quote(unquote_to_bytes(value), safe="").encode()
    return head.replace(b"+", b"%2B") + sign + quoted


def is_boss(scope: Scope) -> bool:
    """Return whether a request is to bossDB's API."""
    path = inner_path(scope)
    return path == ROOT or path.startswith(f"{ROOT}/")
