"""What an issuer signed: JSON Web Tokens, checked as they must be before a word is believed."""

from __future__ import annotations

import json
import re
from collections.abc import Set as AbstractSet
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwt import JWTClaimsRegistry
from joserfc.util import urlsafe_b64decode

from voxlake.api.identity.oidc.claims import Claims
from voxlake.api.identity.oidc.issuer import Issuer
from voxlake.api.identity.oidc.signing_keys import ALGORITHMS, REGISTRY

LEEWAY_SECONDS = 30
"""How far the clocks of the issuer and of this machine may be apart."""

_MOST_CHARACTERS = 16 << 10
"""Of a token."""
_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
"""A signed token in the compact form (RFC 7515, 7.1): base64url, and never with padding."""


async def signed_claims(
    issuer: Issuer, token: str, audience: str, types: AbstractSet[str] = frozenset({"jwt"})
) -> Claims:
    """Return what a token says, once it is sure that the issuer says it, to whom and when.

    Keys and addresses of keys in the token itself (``jwk``, ``jku``, ``x5c``, ``x5u``) are not
    looked at.

    Parameters
    ----------
    issuer
        Whose word counts.
    token
        What somebody sent.
    audience
        Whom it must be for.
    types
        What it may say that it is in its header (``typ``), in small letters, if it says so.

    Raises
    ------
    ValueError
        If the issuer did not sign it, or for somebody else, or it is not good at this moment. The
        text holds nothing of the token.
    IssuerUnavailableError
        If the issuer does not answer, and its keys are not known.
    """
    header = _header_of(token, types)
    try:
        key = await issuer.key(header["alg"], header.get("kid"))
        claims = jwt.decode(token, key, registry=REGISTRY).claims
        _expected(issuer.url, audience).validate(claims)
    except (JoseError, LookupError) as error:
        raise ValueError(str(error)) from error
    subject = claims["sub"]
    if len(subject) > 255 or not subject.isascii() or not subject.isprintable():
        raise ValueError("its subject is none (OpenID Connect Core 1.0, 2)")
    return claims


def _expected(issuer: str, audience: str) -> JWTClaimsRegistry:
    return JWTClaimsRegistry(
        leeway=LEEWAY_SECONDS,
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": audience},
        sub={"essential": True},
        exp={"essential": True},
    )


def _header_of(token: str, types: AbstractSet[str]) -> dict[str, Any]:
    """Return the header of a token; raise ValueError if it is none that could be right."""
    parts = _COMPACT.fullmatch(token) if len(token) <= _MOST_CHARACTERS else None
    if parts is None:
        raise ValueError("it is no signed JWT, or too long")
    try:
        header = json.loads(urlsafe_b64decode(parts[1].encode()))
    except (ValueError, RecursionError) as error:
        raise ValueError("its header cannot be read") from error
    if not isinstance(header, dict) or not isinstance(header.get("kid"), str | None):
        raise ValueError("its header is none")  # noqa: TRY004  (a fault of what was sent)
    if str(header.get("alg")) not in ALGORITHMS:
        raise ValueError("it is signed in a way that is not allowed, or not at all (alg)")
    if "crit" in header:
        raise ValueError("it demands an extension, and none is known here (crit)")
    if str(header.get("typ", "JWT")).lower().removeprefix("application/") not in types:
        raise ValueError("it says that it is another kind of token (typ)")
    return header
