"""Whatever somebody sends as a token, it is refused in one way, if the issuer did not sign it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import Key, OKPKey
from tests.api.identity.forgeries import signed, unsigned
from tests.servers.issuer import ScriptedIssuer, run_issuer

from voxlake.api.identity.oidc.issuer import Issuer
from voxlake.api.identity.signed import signed_claims

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.api.identity.oidc.claims import Claims

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "alg": st.sampled_from(["ES256", "EdDSA", "Ed25519", "RS256", "PS512", "none"]) | JSON,
        "kid": st.sampled_from(["first", "second"]) | JSON,
        "typ": st.sampled_from(["JWT", "jwt"]) | JSON,
        "b64": JSON,
        "crit": JSON,
        "x": JSON,
    },
)
CLAIMS = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("iss", "aud", "sub", "exp", "nbf", "iat", "typ"), JSON)
)


class Checking:
    """Checks tokens of a running issuer."""

    def __init__(self, scripted: ScriptedIssuer, runner: asyncio.Runner) -> None:
        self.scripted, self._issuer, self._runner = scripted, Issuer(scripted.url), runner

    def claims_of(self, token: str) -> Claims:
        return self._runner.run(signed_claims(self._issuer, token, "lake"))


@pytest.fixture(scope="module")
def checking() -> Iterator[Checking]:
    with run_issuer() as scripted, asyncio.Runner() as runner:
        scripted.keys.append(OKPKey.generate_key("Ed25519", {"kid": "second"}))
        yield Checking(scripted, runner)


def genuine(checking: Checking) -> str:
    return checking.scripted.token(checking.scripted.keys[0])


@given(
    st.text() | st.from_regex(r"[A-Za-z0-9_-]{0,60}(\.[A-Za-z0-9_-]{0,60}){0,4}", fullmatch=True)
)
def test_any_text(checking: Checking, text: str) -> None:
    with pytest.raises(ValueError, match=r"^its? "):
        checking.claims_of(text)


@given(st.data())
def test_a_token_that_was_changed(checking: Checking, data: st.DataObject) -> None:
    token = genuine(checking)
    start = data.draw(st.integers(0, len(token)))
    stop = data.draw(st.integers(start, len(token)))
    changed = token[:start] + data.draw(st.text()) + token[stop:]
    if changed != token:
        with pytest.raises(ValueError):  # noqa: PT011  (each has another text)
            checking.claims_of(changed)
    assert checking.claims_of(token)["sub"] == "248"


@given(HEADERS | JSON, CLAIMS | JSON, st.binary(max_size=80))
def test_any_header_claims_and_signature(
    checking: Checking, header: object, claims: object, signature: bytes
) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (each has another text)
        checking.claims_of(unsigned(header, claims, signature))


@given(HEADERS, CLAIMS)
def test_what_the_issuer_signed_is_right_or_refused(
    checking: Checking, header: dict[str, object], claims: dict[str, object]
) -> None:
    key: Key = checking.scripted.keys[1]
    token = signed({"alg": "Ed25519", "kid": "second"} | header, claims, key, "Ed25519")
    with suppress(ValueError):
        told = checking.claims_of(token)
        assert (told["iss"], told["sub"].isprintable()) == (checking.scripted.url, True)
