"""Who sends a request: the one seam behind which each way to say so stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.types import Scope

from voxlake.api.http.expiring import Expiring
from voxlake.api.http.layers.exchange import exchange_of
from voxlake.api.http.layers.link_paths import TOKEN as LINK_TOKEN
from voxlake.api.identity.links import LinkHolders
from voxlake.api.identity.local import LocalIdentity
from voxlake.platform.access import ANONYMOUS, Principal
from voxlake.platform.catalog.identity.token_text import PREFIX, digest_of
from voxlake.platform.catalog.identity.tokens import Tokens
from voxlake.platform.errors import UnauthenticatedError

if TYPE_CHECKING:
    # Loaded only where there is an issuer: it brings an HTTP client along.
    from voxlake.api.identity.bearer import Bearer
    from voxlake.api.identity.oidc.login import OidcLogin

TOKEN_SECONDS = 1.0
"""How long a token is good after it was revoked, and a user after they were disabled."""
ANYBODY = "public"
"""What bossDB's clients send for a token who have none."""
OF_LAKE = {"bearer", "token"}
"""Schemes that tokens of the lake are sent by: `token` is what bossDB's clients say."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Knows people and programs by what they send."""

    local: LocalIdentity | None
    """Who knows the owner of a local server."""
    tokens: Tokens
    links: LinkHolders
    bearer: Bearer | None = None
    """Who knows tokens of the issuer, if there is one."""
    oidc: OidcLogin | None = None
    """Who signs people in there, if anybody."""
    _known: Expiring[str, Principal] = field(
        default_factory=lambda: Expiring(TOKEN_SECONDS), repr=False
    )

    async def identify(self, scope: Scope) -> Principal:
        """Return who sends a request; it is found out once.

        Raises
        ------
        UnauthenticatedError
            If it carries a link or a token, and a wrong one. A stale cookie counts as none.
        IssuerUnavailableError
            If it carries a token of the issuer, which does not answer for its keys.
        """
        known = scope.setdefault("state", {}).get("principal")
        if isinstance(known, Principal):
            return known
        if (link := scope.get(LINK_TOKEN)) is not None:
            principal = await self.links.of_token(link)
        else:
            principal = await self._identify(Headers(scope=scope))
        scope["state"]["principal"] = principal
        exchange_of(scope).principal = principal.name
        return principal

    async def _identify(self, headers: Headers) -> Principal:
        sent = headers.get("authorization")
        if sent is None:
            return await self._of_cookie(headers) or ANONYMOUS
        scheme, _, token = sent.partition(" ")
        scheme, token = scheme.lower(), token.strip()
        if scheme == "token" and token == ANYBODY:
            return ANONYMOUS
        if scheme in OF_LAKE and token.startswith(PREFIX):
            find = partial(self.tokens.principal_of, token)
            return await self._known.get(digest_of(token), find)
        if scheme == "bearer" and self.bearer is not None:
            return await self.bearer.principal_of(token)
        if self.local is not None:
            return self.local.of_token("bearer" if scheme in OF_LAKE else scheme, token)
        raise UnauthenticatedError(f"the token is none that this gateway knows; {self.sign_in}")

    async def _of_cookie(self, headers: Headers) -> Principal | None:
        if self.oidc is not None:
            return await self.oidc.signed_in.of_session(headers)
        return None if self.local is None else self.local.of_session(headers)

    def unknown(self) -> UnauthenticatedError:
        """Return what an address says to anonymous askers, whether something is there or not."""
        return UnauthenticatedError(f"this address needs credentials; {self.sign_in}")

    @property
    def sign_in(self) -> str:
        """How somebody says who they are, in words."""
        by_token = "send a token as `Authorization: Bearer TOKEN`"  # noqa: S105  (it is none)
        if self.local is not None:
            return (
                "open the login link that `voxlake serve` printed, or a new one of `voxlake "
                "login-link`, or send the owner's token as `Authorization: Bearer TOKEN`"
            )
        return by_token if self.oidc is None else f"sign in with a browser at /login, or {by_token}"
