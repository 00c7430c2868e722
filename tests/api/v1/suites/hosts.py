"""bossDB's two hosts as one server: `api.` is a gateway, `auth.` gives tokens for passwords."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send
    from tests.servers.issuer import ScriptedIssuer

TOKENS = "/auth/realms/BOSS/protocol/openid-connect/token"
"""Where Keycloak gives tokens of bossDB's realm."""


@dataclass(frozen=True, slots=True)
class Hosts:
    """An application that stands where a proxy stands before bossDB and its Keycloak."""

    gateway: ASGIApp
    issuer: ScriptedIssuer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        app = self._grant if _is_auth(scope) else self.gateway
        await app(scope, receive, send)

    async def _grant(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Give whoever asks a token, as whom they say."""
        said = parse_qs((await Request(scope, receive).body()).decode())
        known = scope["path"] == TOKENS and said.get("grant_type") == ["password"]
        answer = self._token(said) if known else {"error": "invalid_request"}
        await JSONResponse(answer, 200 if known else 400)(scope, receive, send)

    def _token(self, said: dict[str, list[str]]) -> dict[str, Any]:
        [name] = said["username"]
        named = {"sub": name, "preferred_username": name}
        token = self.issuer.token(self.issuer.keys[0], **named)
        return {"access_token": token, "token_type": "Bearer"}


def _is_auth(scope: Scope) -> bool:
    hosts = (value for name, value in scope.get("headers", ()) if name == b"host")
    return next(hosts, b"").startswith(b"auth.")
