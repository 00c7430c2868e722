"""Cookies of this server: no script reads them, and no other site's page sends them along."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import Response


@dataclass(frozen=True, slots=True)
class Cookie:
    """A cookie by its name, which no other server on the same host has."""

    name: str
    is_secure: bool = False
    """Whether browsers send it over https alone, and take it from this very host alone."""

    @classmethod
    def of(cls, purpose: str, public_url: str) -> Self:
        """Return the cookie of a gateway for a purpose.

        Ports do not separate cookies, and neither do the hosts of one domain: the name carries the
        port, or under https the prefix that lets nobody else set it (RFC 6265bis, 4.1.3.2).

        Examples
        --------
        >>> Cookie.of("session", "http://127.0.0.1:8080").name
        'voxlake-session-8080'
        >>> Cookie.of("session", "https://lake.example.org").name
        '__Host-voxlake-session'
        """
        address = urlsplit(public_url)
        if address.scheme == "https":
            return cls(f"__Host-voxlake-{purpose}", is_secure=True)
        return cls(f"voxlake-{purpose}-{address.port or 80}")

    def read(self, headers: Headers) -> str | None:
        """Return what a request says by it; None if nothing."""
        return cookie_parser(headers.get("cookie", "")).get(self.name)

    def put(self, answer: Response, value: str, seconds: int) -> None:
        """Let an answer set it, for so long."""
        answer.set_cookie(
            self.name, value, seconds, secure=self.is_secure, httponly=True, samesite="lax"
        )

    def drop(self, answer: Response) -> None:
        """Let an answer take it away."""
        answer.delete_cookie(self.name, secure=self.is_secure, httponly=True, samesite="lax")
