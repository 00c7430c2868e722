"""One login at an issuer, from its start to its end: what the browser keeps of it meanwhile.

The server keeps nothing. The browser's cookie holds a secret, and what the issuer is told is made
of that: who comes back with another browser, or without one, has no part in it.
"""

from __future__ import annotations

import hmac
import re
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Self

_TEXT = re.compile(r"([0-9]{1,12})\.([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]*)")

FLOW_SECONDS = 600
"""How long somebody may take at the issuer."""
CALLBACK = "/login/callback"
"""Where the issuer sends them back to."""


@dataclass(frozen=True, slots=True)
class Callback:
    """What a browser brings from the issuer (RFC 6749, 4.1.2; RFC 9207)."""

    state: str | None
    code: str | None
    error: str | None
    issuer: str | None


@dataclass(frozen=True, slots=True)
class Flow:
    """A login that has begun."""

    secret: str
    target: str
    """The path that it leads to."""
    begun: int
    """When, in seconds since 1970."""

    @classmethod
    def begin(cls, target: str) -> Self:
        """Begin a login that leads to a path."""
        return cls(secrets.token_urlsafe(32), target, int(time.time()))

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return the login that a cookie holds; None if it is none, or was begun too long ago.

        Examples
        --------
        >>> flow = Flow.begin("/view/lab/brain/em")
        >>> Flow.parse(flow.text()) == flow, Flow.parse("x")
        (True, None)
        """
        parts = _TEXT.fullmatch(text)
        if parts is None or time.time() - int(parts[1]) > FLOW_SECONDS:
            return None
        try:
            target = urlsafe_b64decode(parts[3] + "==").decode()
        except ValueError:
            return None
        return cls(parts[2], target, int(parts[1]))

    def text(self) -> str:
        """Return what the cookie holds."""
        return f"{self.begun}.{self.secret}.{_base64(self.target.encode())}"

    @property
    def state(self) -> str:
        """What the issuer sends back with the browser (RFC 6749, 4.1.1)."""
        return self._made("state")

    @property
    def nonce(self) -> str:
        """What the issuer writes into the id token (OpenID Connect Core, 3.1.2.1)."""
        return self._made("nonce")

    @property
    def verifier(self) -> str:
        """What only who began the login can show for the code (RFC 7636, 4.1)."""
        return self._made("verifier")

    def _made(self, purpose: str) -> str:
        return _base64(hmac.digest(self.secret.encode(), purpose.encode(), "sha256"))


def _base64(data: bytes) -> str:
    """Return bytes as text that a cookie and an address take as it is."""
    return urlsafe_b64encode(data).decode().rstrip("=")
