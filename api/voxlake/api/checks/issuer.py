"""Whether people can sign in at the issuer."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2

from voxlake.api.checks.address import ANSWER_S
from voxlake.api.checks.outcome import Outcome
from voxlake.api.identity.oidc.issuer import DISCOVERY, read_issuer

CLOCK_S = 30.0
"""Tokens begin and end by the clock of the issuer."""


def look_at_issuer(url: str) -> Outcome:
    """Look at what an issuer says of itself, its keys, and its clock."""
    try:
        about, keys = asyncio.run(read_issuer(url))
        ahead_s = _ahead_s(url)
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
        advice = "start it, or correct VOXLAKE_OIDC_ISSUER: nobody can sign in until it answers"
        return "fail", f"the issuer {url} cannot be read: {error!r}", advice
    told = f"{url} answers, with {len(keys)} keys"
    if "authorization_endpoint" not in about:
        return "fail", f"{told}, and no place to sign in at", "let its discovery name one"
    if ahead_s is not None and abs(ahead_s) > CLOCK_S:
        told += f"; its clock differs from that of this machine by {abs(ahead_s):.0f} s"
        return "warn", told, "let both keep the time by NTP: tokens are refused as over otherwise"
    return "ok", told, None


def _ahead_s(url: str) -> float | None:
    """Return how far its clock is ahead of that of this machine, to a second or so."""
    answer = httpx2.get(url.rstrip("/") + DISCOVERY, timeout=ANSWER_S)
    told = answer.headers.get("date")
    if told is None:
        return None
    return (parsedate_to_datetime(told) - datetime.now(UTC)).total_seconds()
