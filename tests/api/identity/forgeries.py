"""Tokens that nobody may get in with: each is the genuine one but for one thing."""

from __future__ import annotations

import base64
import hmac
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from joserfc.jwk import ECKey, Key, RSAKey
from joserfc.jws import JWSRegistry
from tests.servers.nanoidp import AUDIENCE, CLIENT

if TYPE_CHECKING:
    from collections.abc import Callable

_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Forger:
    """Who has seen a lot: the genuine token, the keys of the issuer, a server of their own."""

    issuer: str
    key: RSAKey
    """The issuer's own private key: what it signs is right in all but what it says."""
    canary: str
    """A server that nobody must ask for keys."""

    def claims(self, **others: Any) -> dict[str, Any]:
        """Return what a genuine token says, and others."""
        moment = int(time.time())
        said = {
            "iss": self.issuer,
            "aud": AUDIENCE,
            "sub": "mallory",
            "iat": moment - 5,
            "nbf": moment - 5,
            "exp": moment + 600,
        } | others
        return {name: value for name, value in said.items() if value is not _ABSENT}

    def header(self, **others: Any) -> dict[str, Any]:
        """Return the header of a genuine token, and others."""
        said = {"alg": "RS256", "typ": "JWT", "kid": self.key.kid} | others
        return {name: value for name, value in said.items() if value is not _ABSENT}

    def genuine(self, **others: Any) -> str:
        """Return a token that the issuer could have made, but for what it says."""
        return signed(self.header(), self.claims(**others), self.key)

    def headed(self, **others: Any) -> str:
        """Return a token that the issuer signed, with another header."""
        return signed(self.header(**others), self.claims(), self.key)

    def stranger(self, **others: Any) -> str:
        """Return a token that somebody else signed, with a header of theirs."""
        return signed(self.header(**others), self.claims(), _STRANGER)

    def secret(self, key: bytes, **others: Any) -> str:
        """Return a token that is signed with what all know, as if it were a shared secret."""
        said = _said(self.header(alg="HS256", **others), self.claims())
        return f"{said}.{_b64(hmac.digest(key, said.encode(), 'sha256'))}"

    def parts(self) -> list[str]:
        """Return the three parts of a genuine token."""
        return self.genuine().split(".")


_STRANGER = RSAKey.generate_key(2048)
_STRANGER_JWK = _STRANGER.as_dict(private=False)


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _json(value: object) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value).encode()


def _said(header: object, claims: object) -> str:
    return f"{_b64(_json(header))}.{_b64(_json(claims))}"


def signed(header: object, claims: object, key: Key, algorithm: str = "RS256") -> str:
    """Return a token of any header and claims, signed right."""
    said = _said(header, claims)
    return f"{said}.{_b64(JWSRegistry.algorithms[algorithm].sign(said.encode(), key))}"


def unsigned(header: object, claims: object, signature: bytes = b"") -> str:
    """Return a token of any header, claims and signature."""
    return f"{_said(header, claims)}.{_b64(signature)}"


def _tampered(it: Forger) -> str:
    header, _, signature = it.parts()
    return f"{header}.{_b64(_json(it.claims(sub='root')))}.{signature}"


def _bent(it: Forger) -> str:
    """Return a token with one character of its signature changed."""
    header, claims, signature = it.parts()
    other = "A" if signature[100] != "A" else "B"
    return f"{header}.{claims}.{signature[:100]}{other}{signature[101:]}"


def _exchanged(it: Forger) -> str:
    return ".".join([*it.parts()[:2], it.genuine(jti="other").split(".")[2]])


def _nested(it: Forger) -> str:
    return unsigned(b'{"alg":' + b"[" * 6000, it.claims(), b"x")


def _with_part(number: int, change: Callable[[str], str]) -> Callable[[Forger], str]:
    def forge(it: Forger) -> str:
        parts = it.parts()
        parts[number] = change(parts[number])
        return ".".join(parts)

    return forge


FORGERIES: dict[str, Callable[[Forger], str]] = {
    # Not signed, or not by the issuer.
    "none": lambda it: unsigned(it.header(alg="none"), it.claims()),
    "none with a signature": lambda it: unsigned(it.header(alg="none"), it.claims(), b"x"),
    "nOnE": lambda it: unsigned(it.header(alg="nOnE"), it.claims(), b"x"),
    "none, signed": lambda it: it.headed(alg="none"),
    "no alg": lambda it: it.headed(alg=_ABSENT),
    "alg a list": lambda it: it.headed(alg=["RS256"]),
    "alg in small letters": lambda it: it.headed(alg="rs256"),
    "alg with a space": lambda it: it.headed(alg="RS256 "),
    "HS256 with the public PEM": lambda it: it.secret(it.key.as_pem(private=False)),
    "HS256 with the public JWK": lambda it: it.secret(_json(it.key.as_dict(private=False))),
    "HS256 with the modulus": lambda it: it.secret(
        str(it.key.as_dict(private=False)["n"]).encode()
    ),
    "HS256 with an empty secret": lambda it: it.secret(b"", kid="../../../../dev/null"),
    "another key, same kid": lambda it: it.stranger(),
    "another key, no kid": lambda it: it.stranger(kid=_ABSENT),
    "another key, unknown kid": lambda it: it.stranger(kid="mallory"),
    "an embedded key": lambda it: it.stranger(jwk=_STRANGER_JWK),
    "an embedded key, no kid": lambda it: it.stranger(jwk=_STRANGER_JWK, kid=_ABSENT),
    "keys elsewhere (jku)": lambda it: it.stranger(jku=f"{it.canary}/keys"),
    "keys elsewhere (x5u)": lambda it: it.stranger(x5u=f"{it.canary}/keys"),
    "a certificate": lambda it: it.stranger(x5c=["MIIB"], x5t="x"),
    "kid an address": lambda it: it.stranger(kid=f"{it.canary}/keys"),
    "kid a path": lambda it: it.stranger(kid="../../../../../etc/passwd"),
    "kid SQL": lambda it: it.stranger(kid="x' UNION SELECT 'secret' --"),
    "kid a command": lambda it: it.stranger(kid="|/bin/true"),
    "kid a list": lambda it: it.headed(kid=["x"]),
    "kid a number": lambda it: it.headed(kid=7),
    "ES256 of zeros": lambda it: unsigned(it.header(alg="ES256"), it.claims(), b"\0" * 64),
    "ES256, a key of one's own": lambda it: signed(
        it.header(alg="ES256"), it.claims(), ECKey.generate_key("P-256"), "ES256"
    ),
    "EdDSA of zeros": lambda it: unsigned(it.header(alg="EdDSA"), it.claims(), b"\0" * 64),
    "RS256 of zeros": lambda it: unsigned(it.header(), it.claims(), b"\0" * 256),
    "PS256 by a key for RS256": lambda it: signed(
        it.header(alg="PS256"), it.claims(), it.key, "PS256"
    ),
    "RS512 by a key for RS256": lambda it: signed(
        it.header(alg="RS512"), it.claims(), it.key, "RS512"
    ),
    "payload tampered": _tampered,
    "signature tampered": _bent,
    "signature of another token": lambda it: ".".join(
        [*it.parts()[:2], it.genuine(x=1).split(".")[2]]
    ),
    "truncated": lambda it: it.genuine()[:-9],
    # Signed by the issuer, and not good here.
    "another audience": lambda it: it.genuine(aud="elsewhere"),
    "no audience": lambda it: it.genuine(aud=_ABSENT),
    "an empty audience": lambda it: it.genuine(aud=""),
    "no audiences": lambda it: it.genuine(aud=[]),
    "other audiences": lambda it: it.genuine(aud=["elsewhere", f"{AUDIENCE}-2"]),
    "audiences that are none": lambda it: it.genuine(aud=[AUDIENCE, 7]),
    "an audience inside": lambda it: it.genuine(aud={AUDIENCE: AUDIENCE}),
    "for the client": lambda it: it.genuine(aud=CLIENT),
    "another issuer": lambda it: it.genuine(iss="https://evil.example.org"),
    "no issuer": lambda it: it.genuine(iss=_ABSENT),
    "issuers": lambda it: it.genuine(iss=[it.issuer]),
    "issuer with a slash": lambda it: it.genuine(iss=f"{it.issuer}/"),
    "expired": lambda it: it.genuine(exp=int(time.time()) - 60),
    "no end": lambda it: it.genuine(exp=_ABSENT),
    "an end in words": lambda it: it.genuine(exp=str(int(time.time()) + 600)),
    "no number for an end": lambda it: it.genuine(exp=float("nan")),
    "an endless end": lambda it: it.genuine(exp=float("inf")),
    "true for an end": lambda it: it.genuine(exp=True),
    "null for an end": lambda it: it.genuine(exp=None),
    "not yet good": lambda it: it.genuine(nbf=int(time.time()) + 300),
    "made in the future": lambda it: it.genuine(iat=int(time.time()) + 300),
    "no subject": lambda it: it.genuine(sub=_ABSENT),
    "an empty subject": lambda it: it.genuine(sub=""),
    "subjects": lambda it: it.genuine(sub=["ada", "root"]),
    "a subject inside": lambda it: it.genuine(sub={"name": "root"}),
    "a number for a subject": lambda it: it.genuine(sub=0),
    "a subject with NUL": lambda it: it.genuine(sub="ada\0"),
    "a subject with half a character": lambda it: it.genuine(sub="\ud800"),
    "a subject of other letters": lambda it: it.genuine(sub="zoë"),
    "a long subject": lambda it: it.genuine(sub="a" * 256),
    # Signed by the issuer, and something else than an access token.
    "an id token (token_use)": lambda it: it.genuine(token_use="id"),  # as Cognito says
    "an id token (at_hash)": lambda it: it.genuine(at_hash="x", nonce="y"),
    "an id token (typ)": lambda it: it.genuine(typ="ID"),  # as Keycloak says
    "a refresh token": lambda it: it.genuine(typ="Refresh"),
    "a logout token": lambda it: it.headed(typ="logout+jwt"),
    "a security event": lambda it: it.genuine(events={"x": {}}),
    "bound to a key": lambda it: it.genuine(cnf={"jkt": "x"}),
    "a proof (DPoP)": lambda it: it.headed(typ="dpop+jwt"),
    "typ null": lambda it: it.headed(typ=None),
    # Not of the form that tokens have.
    "an unknown extension": lambda it: it.headed(crit=["http://example.org/x"]),
    "an extension": lambda it: it.headed(crit=["b64"], b64=True),
    "no extensions": lambda it: it.headed(crit=[]),
    "huge": lambda it: it.genuine(groups=["x" * 100] * 200),
    "a huge header": lambda it: it.headed(x="y" * 6000),
    "a nested header": _nested,
    "a header that is a list": lambda it: signed([it.header()], it.claims(), it.key),
    "a header that is a text": lambda it: signed('"alg"', it.claims(), it.key),
    "a header of digits": lambda it: signed(b'{"alg":' + b"9" * 5000 + b"}", it.claims(), it.key),
    "a header that is no text": lambda it: signed(b"\xff\xfe", it.claims(), it.key),
    "claims that are a list": lambda it: signed(it.header(), [it.claims()], it.key),
    "claims that are no JSON": lambda it: signed(it.header(), b"sub=root", it.key),
    "encrypted": lambda it: ".".join([*it.parts(), "AAAA", "AAAA"]),
    "in a token": lambda it: signed(it.header(cty="JWT"), it.genuine().encode(), it.key),
    "two": lambda it: f"{it.genuine()}, {it.genuine()}",
    "a dot before": lambda it: f".{it.genuine()}",
    "a dot behind": lambda it: f"{it.genuine()}.",
    "dots between": lambda it: it.genuine().replace(".", "..", 1),
    "no dots": lambda it: it.genuine().replace(".", ""),
    "a part missing": lambda it: ".".join(it.parts()[:2]),
    "padding": _with_part(0, lambda text: text + "=" * (-len(text) % 4 or 4)),
    "padding of the signature": _with_part(2, lambda text: f"{text}=="),
    "base64 of another kind": _with_part(
        2, lambda text: text.replace("-", "+").replace("_", "/") + "+"
    ),
    "unused bits": _with_part(2, lambda text: f"{text[:-1]}{chr(ord(text[-1]) + 1)}"),
    "a space within": _with_part(1, lambda text: f"{text[:9]} {text[9:]}"),
    "letters that are none": _with_part(1, lambda text: f"{text[:9]}é{text[9:]}"),
    "as JSON": lambda it: json.dumps(
        dict(zip(("protected", "payload", "signature"), it.parts(), strict=True))
    ),
    "twice a bearer": lambda it: f"Bearer {it.genuine()}",
    "nothing": lambda _: "",
    "dots": lambda _: "..",
}
"""By what is wrong with them."""
