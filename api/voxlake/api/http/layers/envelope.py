"""What every answer carries: security headers, and a problem if all else fails."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import Receive, Scope, Send

from voxlake.api.http.answers.dataset_state import head_with_state
from voxlake.api.http.answers.problems import from_bug
from voxlake.api.http.layers.layer import Layer, with_headers
from voxlake.api.http.layers.public_address import inner_path

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    # A login link must not travel on in a Referer.
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    # What browsers of before CSP 2 know of it.
    "X-Frame-Options": "DENY",
    "Permissions-Policy": ", ".join(
        f"{feature}=()"
        for feature in ("camera", "microphone", "geolocation", "payment", "usb", "browsing-topics")
    ),
}
"""Sent unless the route says something else."""

DATA = ("/zarr/", "/flat/", "/precomputed/", "/segmentation/", "/v1/", "/v2/")
"""Addresses below these are read by pages of any origin, as CORS lets them."""

HSTS = "max-age=31536000"
"""For a year browsers ask this host by https alone; of subdomains others decide."""


class Envelope(Layer):
    """Around all that can fail: nothing that a route does wrong leaves without these headers."""

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        started = False

        def start(headers: MutableHeaders) -> None:
            nonlocal started
            started = True
            head_with_state(scope, headers)
            protect(scope, headers)

        send_headed = with_headers(send, start)
        try:
            await self.app(scope, receive, send_headed)
        except Exception as error:
            if started:
                raise
            await from_bug(scope, error)(scope, receive, send_headed)


def protect(scope: Scope, headers: MutableHeaders) -> None:
    """Add the headers that tell browsers what not to do with an answer.

    There is no `Cross-Origin-Opener-Policy`: viewers of other origins open our login in a window
    of theirs, which tells them when it is done.
    """
    given = {name for name, _ in headers.raw}
    is_data = inner_path(scope).startswith(DATA)
    added = _RAW_DATA if is_data else _RAW_OWN
    headers.raw.extend(each for each in added if each[0] not in given)
    if scope["scheme"] == "https":
        headers.setdefault("Strict-Transport-Security", HSTS)


def _raw(resource_policy: str) -> list[tuple[bytes, bytes]]:
    headers = {**SECURITY_HEADERS, "Cross-Origin-Resource-Policy": resource_policy}
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


_RAW_DATA, _RAW_OWN = _raw("cross-origin"), _raw("same-origin")
"""They are added to every answer, as servers send them."""
