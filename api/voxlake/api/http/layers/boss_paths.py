"""Addresses of bossDB's API as its clients write them: ``/latest//coord/`` is ``/v1/coord``.

Clients put slashes at the end, twice or not at all, and a redirect would lose their bodies.
"""

from __future__ import annotations

import re

from starlette.types import Receive, Scope, Send

from voxlake.api.http.layers.layer import Layer
from voxlake.api.http.layers.public_address import inner_path

ROOT = "/v1"
_PATH = re.compile(r"/+(?:v1|latest)(?:/.*)?", re.DOTALL)
_SLASHES = re.compile("/+")


class BossPaths(Layer):
    """Gives each address of bossDB's API its one form."""

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        path = inner_path(scope)
        if _PATH.fullmatch(path):
            scope["path"] = scope.get("root_path", "") + plain(path)
        await self.app(scope, receive, send)


def plain(path: str) -> str:
    """Return the one form of an address of bossDB's API.

    Examples
    --------
    >>> plain("/latest/collection//"), plain("/v1//collection/lab/experiment")
    ('/v1/collection', '/v1/collection/lab/experiment')
    """
    _, _, *parts = _SLASHES.sub("/", path).rstrip("/").split("/")
    return "/".join((ROOT, *parts))


def is_boss(scope: Scope) -> bool:
    """Return whether a request is to bossDB's API."""
    path = inner_path(scope)
    return path == ROOT or path.startswith(f"{ROOT}/")
