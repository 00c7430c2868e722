"""Who is asking, by a token that the issuer signed: a JWT that is sent as a bearer token."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from functools import partial
from typing import NoReturn

from anyio import to_thread

from voxlake.api.http.again import read_again
from voxlake.api.http.expiring import Expiring
from voxlake.api.identity.oidc.claims import ClaimPlaces, Claims, profile_of
from voxlake.api.identity.oidc.issuer import Issuer
from voxlake.api.identity.signed import LEEWAY_SECONDS, signed_claims
from voxlake.platform.access import Principal
from voxlake.platform.catalog.identity.identities import Identities
from voxlake.platform.catalog.identity.token_text import digest_of
from voxlake.platform.errors import UnauthenticatedError

KNOWN_SECONDS = 1.0
"""How long a user is known after they were disabled."""

_TYPES = frozenset({"jwt", "at+jwt"})
"""What an access token says that it is, in its header: RFC 9068, or nothing in particular."""
_OTHER_USES = frozenset({"at_hash", "c_hash", "s_hash", "events", "cnf"})
"""Claims of tokens that are no bearer tokens: of ID tokens (OpenID Connect Core 1.0, 3.3.2.11), of
security events, as a logout is one (RFC 8417), and of those bound to a key (RFC 7800)."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Bearer:
    """Knows people and programs by access tokens of the issuer. For one event loop."""

    issuer: Issuer
    audience: str
    """Whom a token must be for."""
    identities: Identities
    places: ClaimPlaces = field(default_factory=ClaimPlaces)
    _known: Expiring[str, tuple[Principal, float]] = field(
        default_factory=lambda: Expiring(KNOWN_SECONDS), repr=False
    )

    async def principal_of(self, token: str) -> Principal:
        """Return who carries a token.

        Raises
        ------
        UnauthenticatedError
            If it is none that the issuer made for this gateway, or not good at this moment, or if
            its user is disabled.
        IssuerUnavailableError
            If the issuer does not answer, and its keys are not known.
        """
        principal, ends_at = await self._known.look_up(digest_of(token), partial(self._find, token))
        if time.time() >= ends_at + LEEWAY_SECONDS:
            self._refuse("it is over")
        return principal

    async def _find(self, token: str) -> tuple[Principal, float]:
        try:
            claims = await signed_claims(self.issuer, token, self.audience, _TYPES)
            check_use(claims)
        except ValueError as error:
            self._refuse(str(error))
        find = partial(self.identities.principal_of, profile_of(self.places, claims))
        return await read_again(partial(to_thread.run_sync, find)), claims["exp"]

    def _refuse(self, why: str) -> NoReturn:
        """Refuse a token: the log says why, whoever sent it learns nothing to try the next with."""
        _log.info("a bearer token is refused: %s", why)
        raise UnauthenticatedError(
            f"the token is none that {self.issuer.url} made for this gateway, or it is over; sign "
            "in there again for another"
        )


def check_use(claims: Claims) -> None:
    """Raise ValueError if a token says that it is for something else than to be sent here.

    Examples
    --------
    >>> check_use({"sub": "7", "at_hash": "x"})
    Traceback (most recent call last):
    ValueError: it is no bearer token, as it has at_hash
    """
    if other := sorted(_OTHER_USES & claims.keys()):
        raise ValueError(f"it is no bearer token, as it has {other[0]}")
    # Cognito and others say `token_use`, Keycloak says `typ`.
    kind = str(claims.get("typ", "Bearer")).lower()
    if claims.get("token_use", "access") != "access" or kind not in {"bearer", *_TYPES}:
        raise ValueError("it says that it is something else than an access token")
