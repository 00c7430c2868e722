"""Paths that begin with a link: ``/c/TOKEN/zarr/...`` is ``/zarr/...`` for who holds the link.

Every client can put something before a path: zarr, TensorStore, fsspec, CloudVolume, Neuroglancer.
What comes before is taken for the place at which the gateway is mounted, so that all addresses in
its answers carry the link on.
"""

from __future__ import annotations

import re

from starlette.datastructures import MutableHeaders
from starlette.types import Receive, Scope, Send

from voxlake.api.http.layers.layer import Layer, with_headers
from voxlake.api.http.layers.public_address import inner_path

TOKEN = "link_token"  # noqa: S105  (the name of it in a scope)
_OPEN = "zarr|flat|precomputed|v2/datasets|view|neuroglancer|segmentation/(?:api/v1/)?table"
_PATH = re.compile(rf"(/c/([^/]+))/(?:{_OPEN})/.*", re.DOTALL)
"""A link, and one of the addresses that it opens: all else is asked by those who say who they are.
A link may have the rights of an administrator, and such addresses have none of a dataset."""


class LinkPaths(Layer):
    """Takes a link off a path, and remembers its token for `Identity`."""

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        found = _PATH.fullmatch(inner_path(scope))
        if found is None:
            await self.app(scope, receive, send)
            return
        scope["root_path"] = scope.get("root_path", "") + found[1]
        scope[TOKEN] = found[2]
        await self.app(scope, receive, with_headers(send, keep_private))


def keep_private(headers: MutableHeaders) -> None:
    """Let nobody but the reader keep the answer, and no page that it links to learn the link."""
    kept = headers.get("cache-control", "no-store")
    headers["Cache-Control"] = kept.replace("public", "private")
    headers["Referrer-Policy"] = "no-referrer"
