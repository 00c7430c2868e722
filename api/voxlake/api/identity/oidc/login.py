"""Signing in with a browser at the issuer: OpenID Connect, a code with PKCE (RFC 7636).

No token of the issuer is kept: what it says of somebody is read once, and they get a session.
"""

from __future__ import annotations

import hmac
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import urlencode

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from pydantic import SecretStr

from voxlake.api.identity.cookies import Cookie
from voxlake.api.identity.oidc.claims import ClaimPlaces, Claims, profile_of
from voxlake.api.identity.oidc.flow import CALLBACK, Callback, Flow
from voxlake.api.identity.oidc.issuer import Issuer, check_address
from voxlake.api.identity.signed import signed_claims
from voxlake.api.identity.signed_in import SignedIn
from voxlake.platform.catalog.identity.person import Profile
from voxlake.platform.errors import (
    InvalidInputError,
    IssuerUnavailableError,
    UnauthenticatedError,
)

ANSWER_SECONDS = 10.0
_AGAIN = "sign in again at /login"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Client:
    """What the issuer knows this gateway by."""

    id: str
    secret: SecretStr | None
    scope: str
    public_url: str
    """Where people reach the gateway."""


@dataclass(frozen=True, slots=True)
class OidcLogin:
    """Signs people in at an issuer."""

    issuer: Issuer
    client: Client
    signed_in: SignedIn
    cookie: Cookie
    """Of a login that has begun."""
    places: ClaimPlaces

    async def begin(self, flow: Flow) -> str:
        """Return the address at the issuer where a login goes on.

        Raises
        ------
        IssuerUnavailableError
            If the issuer does not answer.
        """
        about = await self.issuer.about()
        async with self._oauth(about) as oauth:
            address, _ = oauth.create_authorization_url(
                _endpoint(about, "authorization_endpoint"),
                state=flow.state,
                nonce=flow.nonce,
                code_verifier=flow.verifier,
            )
        return str(address)

    async def finish(self, flow: Flow, callback: Callback) -> Profile:
        """Return what the issuer says of somebody who comes back from it.

        Raises
        ------
        InvalidInputError
            If it is another login that they come back with, or another issuer sent them.
        UnauthenticatedError
            If they were not let in, or the code was used before.
        IssuerUnavailableError
            If the issuer does not answer, or not as an issuer does.
        """
        about = await self.issuer.about()
        self._check(flow, callback, about)
        async with self._oauth(about) as oauth:
            tokens = await self._redeem(oauth, about, flow, callback.code or "")
            claims = await self._claims(tokens, flow)
            return profile_of(self.places, claims, await self._user_info(oauth, about, claims))

    async def end_address(self) -> str | None:
        """Return where the issuer ends its own session; None if it does not say.

        (OpenID Connect RP-Initiated Logout 1.0)
        """
        about = await self.issuer.about()
        if "end_session_endpoint" not in about:
            return None
        address = _endpoint(about, "end_session_endpoint")
        back = {
            "client_id": self.client.id,
            "post_logout_redirect_uri": f"{self.client.public_url}/",
        }
        return f"{address}{'&' if '?' in address else '?'}{urlencode(back)}"

    def _check(self, flow: Flow, callback: Callback, about: Claims) -> None:
        if not hmac.compare_digest((callback.state or "").encode(), flow.state.encode()):
            raise InvalidInputError(f"this is the end of another login; {_AGAIN}")
        named = about.get("authorization_response_iss_parameter_supported") is True
        if callback.issuer != self.issuer.url and (named or callback.issuer is not None):
            raise InvalidInputError(f"another issuer ended this login; {_AGAIN}")
        if callback.error is not None or not callback.code:
            _refuse("the issuer let nobody in")

    async def _redeem(
        self, oauth: AsyncOAuth2Client, about: Claims, flow: Flow, code: str
    ) -> Mapping[str, Any]:
        """Return the tokens that the issuer gives for a code."""
        endpoint = _endpoint(about, "token_endpoint")
        try:
            tokens = await oauth.fetch_token(endpoint, code=code, code_verifier=flow.verifier)
        except (OAuthError, httpx2.HTTPError, ValueError) as error:
            if getattr(error, "error", None) == "invalid_grant":
                _refuse("its code was used before, or is too old", error)
            self._fail(error)
        return dict(tokens)

    async def _claims(self, tokens: Mapping[str, Any], flow: Flow) -> Claims:
        """Return what the id token says (OpenID Connect Core 1.0, 3.1.3.7)."""
        try:
            claims = await signed_claims(self.issuer, str(tokens.get("id_token")), self.client.id)
        except ValueError as error:
            _log.warning("an id token of %s is refused: %s", self.issuer.url, error)
            _refuse("its id token is none for this gateway", error)
        if not hmac.compare_digest(str(claims.get("nonce")).encode(), flow.nonce.encode()):
            _refuse("its id token is of another one")
        if claims.get("azp", self.client.id) != self.client.id:
            _refuse("its id token is for another client")
        return claims

    async def _user_info(self, oauth: AsyncOAuth2Client, about: Claims, claims: Claims) -> Claims:
        """Return what the issuer says besides: some have groups here alone (5.3)."""
        if "userinfo_endpoint" not in about:
            return {}
        try:
            answer = await oauth.get(_endpoint(about, "userinfo_endpoint"))
            said = json.loads(answer.raise_for_status().content)
        except (httpx2.HTTPError, OAuthError, ValueError) as error:
            self._fail(error)
        if not isinstance(said, dict) or said.get("sub") != claims["sub"]:
            self._fail(ValueError("its page about users speaks of somebody else"))
        return said

    def _fail(self, error: Exception) -> NoReturn:
        _log.error("the issuer %s does not sign people in: %r", self.issuer.url, error)
        raise IssuerUnavailableError(
            "the issuer does not answer as it should; try again, and tell who runs this gateway"
        ) from error

    def _oauth(self, about: Claims) -> AsyncOAuth2Client:
        secret = self.client.secret.get_secret_value() if self.client.secret else None
        ways = about.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        by_basic = "client_secret_basic" in ways
        return AsyncOAuth2Client(
            client_id=self.client.id,
            client_secret=secret,
            token_endpoint_auth_method=None if by_basic or not secret else "client_secret_post",
            scope=self.client.scope,
            redirect_uri=f"{self.client.public_url}{CALLBACK}",
            code_challenge_method="S256",
            timeout=ANSWER_SECONDS,
            follow_redirects=False,
        )


def _refuse(why: str, error: Exception | None = None) -> NoReturn:
    raise UnauthenticatedError(f"this login is not good: {why}; {_AGAIN}") from error


def _endpoint(about: Claims, name: str) -> str:
    """Return an address that the issuer names in its discovery document."""
    address = about.get(name)
    if not isinstance(address, str):
        raise IssuerUnavailableError(f"the issuer does not say where its {name} is")
    try:
        check_address(f"its {name}", address)
    except InvalidInputError as error:
        raise IssuerUnavailableError(str(error)) from error
    return address
