"""The keys that an issuer signs tokens with, and which of them a token may be signed with."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from typing import Any

from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwa import JWSAlgModel
from joserfc.jwk import JWKRegistry, Key
from joserfc.jws import JWSRegistry

ALGORITHMS = frozenset(
    {
        *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
        *("ES256", "ES384", "ES512", "EdDSA", "Ed25519", "Ed448"),
    }
)
"""How tokens may be signed: by a key that the issuer alone has, so never by ``none`` or ``HS*``."""

_RSA_2048 = 342
"""Characters of the modulus of an RSA key of 2048 bits, in base64; shorter keys can be broken."""

_log = logging.getLogger(__name__)


class _Registry(JWSRegistry):
    max_header_length = 4096

    def get_alg(self, name: str) -> JWSAlgModel:
        """Return one of `ALGORITHMS`; joserfc's own warns of the name EdDSA each time."""
        if name not in ALGORITHMS:
            raise UnsupportedAlgorithmError
        return self.algorithms[name]


# Headers that are not known here are ignored (RFC 7515, 4), as are keys and addresses in them.
REGISTRY = _Registry(strict_check_header=False)
"""How signatures are checked."""


def import_keys(jwks: dict[str, Any]) -> tuple[Key, ...]:
    """Return those keys of a JWK set (RFC 7517) that tokens may be signed with.

    Raises
    ------
    ValueError
        If it is no set, or none of its keys can be used.
    """
    listed = jwks.get("keys")
    if not isinstance(listed, list):
        raise ValueError("what its jwks_uri answers is no set of keys")  # noqa: TRY004
    if not (keys := tuple(_usable(listed))):
        raise ValueError("none of its keys is one that tokens may be signed with")
    return keys


def fits(key: Key, algorithm: str) -> bool:
    """Return whether a key may sign with an algorithm: of its kind, and no other than it says."""
    return (
        REGISTRY.algorithms[algorithm].key_type == key.key_type
        and key.get("alg") in (None, algorithm)
        and key.get("use") in (None, "sig")
    )


def _usable(listed: Iterable[Any]) -> Iterator[Key]:
    for data in listed:
        # Others are left out (RFC 7517, 5): a secret is no public key, and new kinds come.
        if not isinstance(data, dict) or data.get("kty") not in {"RSA", "EC", "OKP"}:
            continue
        if data["kty"] == "RSA" and len(str(data.get("n", ""))) < _RSA_2048:
            _log.warning("a key of the issuer is too short to be trusted, and left out")
            continue
        try:
            yield JWKRegistry.import_key(data)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            _log.warning("a key of the issuer cannot be read, and is left out: %r", error)
