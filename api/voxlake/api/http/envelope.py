"""What every answer carries: security headers, and a problem if all else fails."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import Receive, Scope, Send

from voxlake.api.http.dataset_state import head_with_state
from voxlake.api.http.layer import Layer, with_headers
from voxlake.api.http.problems import from_bug

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    # A login link must not travel on in a Referer.
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
"""Sent unless the route says something else."""


class Envelope(Layer):
    """Around all that can fail: nothing that a route does wrong leaves without these headers."""

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        started = False

        def start(headers: MutableHeaders) -> None:
            nonlocal started
            started = True
            head_with_state(scope, headers)
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)

        send_headed = with_headers(send, start)
        try:
            await self.app(scope, receive, send_headed)
        except Exception as error:
            if started:
                raise
            await from_bug(scope, error)(scope, receive, send_headed)
