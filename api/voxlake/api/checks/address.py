"""Whether people reach a gateway at its address: its answer, its certificate, its proxy."""

from __future__ import annotations

import socket
import ssl
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx2

from voxlake.api.checks.outcome import Outcome

ANSWER_S = 5.0
CERTIFICATE_DAYS = 14
"""What is renewed by itself is so earlier than this before the end."""
BODY_BYTES = 2 << 20
"""A body that a proxy should let through: some allow 1 MiB, unless they are told."""


def look_at_address(url: str, trust: ssl.SSLContext | None = None) -> Outcome:
    """Look at a gateway as those see it who use it.

    Parameters
    ----------
    url
        Its public address.
    trust
        Whose certificates are believed; by default those that this machine believes.
    """
    trust = trust or ssl.create_default_context()
    try:
        answer = httpx2.get(f"{url}/readyz", timeout=ANSWER_S, verify=trust)
        refused = _refused_body(url, trust)
        days = days_left(url, trust)
    except (httpx2.HTTPError, OSError) as error:
        found = f"{url} does not answer ({type(error).__name__}: {error})"
        return "fail", found, "start the gateway, its proxy, or correct VOXLAKE_PUBLIC_URL"
    told = f"{url} answers {answer.status_code}"
    if answer.status_code != httpx2.codes.OK:
        return "fail", f"{told} at /readyz", "see its log, and that of the proxy before it"
    if refused is not None:
        return "warn", f"{told}, and {refused} to a body of 2 MiB", "let the proxy take any body"
    return _of_certificate(told, days)


def days_left(url: str, trust: ssl.SSLContext) -> float | None:
    """Return how many days the certificate of a server is good for; None: it has none.

    Raises
    ------
    OSError
        If it does not answer, or has one that is not believed.
    """
    parts = urlsplit(url)
    if parts.scheme != "https":
        return None
    host = parts.hostname or ""
    with (
        socket.create_connection((host, parts.port or 443), timeout=ANSWER_S) as plain,
        trust.wrap_socket(plain, server_hostname=host) as secured,
    ):
        ends = (secured.getpeercert() or {}).get("notAfter")
    seconds = ssl.cert_time_to_seconds(str(ends)) - datetime.now(UTC).timestamp()
    return seconds / 86400


def _refused_body(url: str, trust: ssl.SSLContext) -> int | None:
    """Return what a proxy says to a body that it does not let through to the gateway."""
    answer = httpx2.post(
        f"{url}/healthz", content=bytes(BODY_BYTES), timeout=ANSWER_S, verify=trust
    )
    return answer.status_code if answer.status_code == 413 else None


def _of_certificate(told: str, days: float | None) -> Outcome:
    if days is None:
        return "ok", told, None
    told += f"; its certificate is good for {days:.0f} days"
    if days < CERTIFICATE_DAYS:
        return "warn", told, "renew it, or see why the proxy does not"
    return "ok", told, None
