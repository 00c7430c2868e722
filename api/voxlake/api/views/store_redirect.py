"""Clients that prefer so are sent to the store itself for stored bytes (RFC 7240)."""

from __future__ import annotations

from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Scope

PREFERENCE = "redirect"
"""What a client sends as ``Prefer``."""


def prefers_redirect(scope: Scope) -> bool:
    """Return whether a GET request says that it may be sent elsewhere.

    Examples
    --------
    >>> scope = {"type": "http", "method": "GET", "headers": [(b"prefer", b"wait=5, Redirect")]}
    >>> prefers_redirect(scope), prefers_redirect(scope | {"method": "HEAD"})
    (True, False)
    """
    if scope["method"] != "GET":
        return False
    sent = ",".join(Headers(scope=scope).getlist("prefer"))
    return PREFERENCE in (each.partition(";")[0].strip().lower() for each in sent.split(","))


def redirect(address: str) -> Response:
    """Return the answer that sends a client to the store; the method and its range stay."""
    headers = {
        "Location": address,
        "Cache-Control": "no-store",
        "Preference-Applied": PREFERENCE,
        "Vary": "Prefer, Authorization, Cookie",
    }
    return Response(status_code=HTTPStatus.TEMPORARY_REDIRECT, headers=headers)
