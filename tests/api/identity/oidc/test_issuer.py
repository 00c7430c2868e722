"""The keys of an issuer: asked for seldom, seen soon, and kept while it is away."""

from __future__ import annotations

import asyncio
import json
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from tests.servers.issuer import DISCOVERY, JWKS, ScriptedIssuer, run_issuer

from voxlake.api.identity.oidc.issuer import Issuer, Pace
from voxlake.platform.errors import InvalidInputError, IssuerUnavailableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

PACE = Pace()
PATIENT = Pace(answer=50)
"""Of one who would wait long for an answer."""


@pytest.fixture
def scripted() -> Iterator[ScriptedIssuer]:
    with run_issuer() as running:
        yield running


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time that issuers are asked by, in seconds."""
    moment = [1000.0]
    clock = SimpleNamespace(monotonic=lambda: moment[0])
    monkeypatch.setattr("voxlake.api.identity.oidc.issuer.time", clock)
    return moment


async def kid_of(issuer: Issuer, kid: str | None = "first", algorithm: str = "ES256") -> str | None:
    """Return the name of the key that is found; None if there is none."""
    try:
        return (await issuer.key(algorithm, kid)).kid
    except LookupError:
        return None


async def settled(issuer: Issuer) -> None:
    """Wait until the issuer has been asked."""
    if issuer._flight is not None:
        await issuer._flight


def run(
    scripted: ScriptedIssuer, history: Callable[[Issuer], Awaitable[None]], pace: Pace = PACE
) -> None:
    async def begin() -> None:
        await history(Issuer(scripted.url, pace))

    asyncio.run(begin())


def test_many_at_once_ask_once(scripted: ScriptedIssuer) -> None:
    async def history(issuer: Issuer) -> None:
        found = await asyncio.gather(*(kid_of(issuer) for _ in range(50)))
        assert found == ["first"] * 50
        assert scripted.asked == [DISCOVERY, JWKS]
        assert (await issuer.about())["jwks_uri"] == f"{scripted.url}{JWKS}"
        assert scripted.asked == [DISCOVERY, JWKS]

    run(scripted, history)


def test_made_up_names_of_keys_cause_no_storm(scripted: ScriptedIssuer, clock: list[float]) -> None:
    async def history(issuer: Issuer) -> None:
        await kid_of(issuer)
        for number in range(300):
            clock[0] += 0.1
            assert await kid_of(issuer, f"../{number}") is None
            assert await kid_of(issuer) == "first"
        # 30 seconds: it was asked at their start, and not once more before their end.
        assert len(scripted.asked) == 4

    run(scripted, history)


def test_a_new_key_is_seen_at_once(scripted: ScriptedIssuer, clock: list[float]) -> None:
    async def history(issuer: Issuer) -> None:
        await kid_of(issuer)
        scripted.new_key("second")
        assert await kid_of(issuer, "second") == "second"
        assert await kid_of(issuer) == "first"
        scripted.new_key("third")
        clock[0] += PACE.unknown - 1
        assert await kid_of(issuer, "third") is None
        clock[0] += 1
        assert await kid_of(issuer, "third") == "third"

    run(scripted, history)


def test_a_key_that_is_taken_back_is_refused_soon(
    scripted: ScriptedIssuer, clock: list[float]
) -> None:
    async def history(issuer: Issuer) -> None:
        await kid_of(issuer)
        scripted.keys.clear()
        scripted.new_key("second")
        clock[0] += PACE.fresh + 1
        # Nobody waits for the answer; who comes after it knows.
        assert await kid_of(issuer) == "first"
        await settled(issuer)
        assert await kid_of(issuer) is None
        # After a pause who comes first waits: the keys are too old to go by.
        scripted.keys.clear()
        scripted.new_key("third")
        clock[0] += 2 * PACE.fresh
        assert await kid_of(issuer, "second") is None
        assert await kid_of(issuer, "third") == "third"

    run(scripted, history)


def test_an_issuer_that_is_away_is_survived_for_a_while(
    scripted: ScriptedIssuer, clock: list[float]
) -> None:
    async def history(issuer: Issuer) -> None:
        await kid_of(issuer)
        scripted.status = 500
        for _ in range(int(PACE.stale / 60) - 1):
            clock[0] += 60
            assert await kid_of(issuer) == "first"
            await settled(issuer)
        clock[0] += 60
        for _ in range(10):
            with pytest.raises(IssuerUnavailableError, match="does not answer"):
                await issuer.key("ES256", "first")
        # One try a minute, and of those who came together one.
        assert len(scripted.asked) <= 2 + PACE.stale / 60
        scripted.status = 200
        clock[0] += PACE.retry
        assert await kid_of(issuer) == "first"

    run(scripted, history)


def test_who_has_keys_waits_for_no_answer(scripted: ScriptedIssuer, clock: list[float]) -> None:
    async def history(issuer: Issuer) -> None:
        await kid_of(issuer)
        scripted.answering.clear()
        clock[0] += PACE.fresh + 1
        began = time.monotonic()
        assert await asyncio.gather(*(kid_of(issuer) for _ in range(20))) == ["first"] * 20
        unknown = asyncio.create_task(kid_of(issuer, "unknown"))
        await asyncio.sleep(0)
        assert await kid_of(issuer) == "first"
        assert time.monotonic() - began < PATIENT.answer / 2
        scripted.answering.set()
        assert await unknown is None

    run(scripted, history, PATIENT)


def test_after_a_failure_nobody_waits_for_another(
    scripted: ScriptedIssuer, clock: list[float]
) -> None:
    async def history(issuer: Issuer) -> None:
        await kid_of(issuer)
        scripted.status = 500
        clock[0] += 2 * PACE.fresh
        assert await kid_of(issuer) == "first"
        scripted.answering.clear()
        clock[0] += PACE.retry
        began = time.monotonic()
        assert await asyncio.gather(*(kid_of(issuer) for _ in range(20))) == ["first"] * 20
        assert time.monotonic() - began < PATIENT.answer / 2

    run(scripted, history, PATIENT)


def test_an_answer_has_its_time(scripted: ScriptedIssuer) -> None:
    async def history() -> None:
        issuer = Issuer(scripted.url, Pace(answer=0.2))
        scripted.answering.clear()
        with pytest.raises(IssuerUnavailableError):
            await issuer.key("ES256", "first")

    asyncio.run(history())


def test_who_leaves_takes_nobody_along(scripted: ScriptedIssuer) -> None:
    async def history(issuer: Issuer) -> None:
        scripted.answering.clear()
        leaving = asyncio.create_task(kid_of(issuer))
        staying = asyncio.create_task(kid_of(issuer))
        await asyncio.sleep(0.1)
        leaving.cancel()
        scripted.answering.set()
        assert await staying == "first"
        assert scripted.asked == [DISCOVERY, JWKS]

    run(scripted, history)


def _about(**said: Any) -> Callable[[ScriptedIssuer], bytes]:
    return lambda scripted: json.dumps({**scripted.about(), **said}).encode()


WRONG: dict[str, tuple[str, str, Callable[[ScriptedIssuer], bytes]]] = {
    "another issuer": ("calls itself", DISCOVERY, _about(issuer="https://evil.example.org")),
    "a slash more": ("calls itself", DISCOVERY, lambda it: _about(issuer=f"{it.url}/")(it)),
    "no issuer": ("calls itself", DISCOVERY, _about(issuer=None)),
    "no keys' address": ("does not say where", DISCOVERY, _about(jwks_uri=None)),
    "keys not encrypted": (
        "where anybody between",
        DISCOVERY,
        _about(jwks_uri="http://keys.example.org/"),
    ),
    "keys in a file": ("where anybody between", DISCOVERY, _about(jwks_uri="file:///etc/passwd")),
    "an odd address": ("Invalid IPv6", DISCOVERY, _about(jwks_uri="https://[::1")),
    "a list": ("no object", DISCOVERY, lambda _: b"[]"),
    "no JSON": ("JSONDecodeError", DISCOVERY, lambda _: b"<html>"),
    "nested": ("RecursionError", DISCOVERY, lambda _: b"[" * 200_000),
    "endless": ("more than 512 KiB", DISCOVERY, lambda _: b" " * (600 << 10) + b"{}"),
    "no UTF-8": ("UnicodeDecodeError", JWKS, lambda _: b'{"keys": "\xff"}'),
    "no set": ("no set of keys", JWKS, lambda _: b'{"keys": {}}'),
    "an empty set": ("none of its keys", JWKS, lambda _: b'{"keys": []}'),
    "keys that are none": (
        "none of its keys",
        JWKS,
        lambda _: b'{"keys": [7, {}, {"kty": "RSA"}, {"kty": "EC"}]}',
    ),
    "secrets alone": (
        "none of its keys",
        JWKS,
        lambda _: b'{"keys": [{"kty": "oct", "kid": "first", "k": "c2VjcmV0"}]}',
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_no_issuer_is_not_believed(
    scripted: ScriptedIssuer, wrong: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def history(issuer: Issuer) -> None:
        why, path, body = WRONG[wrong]
        scripted.answers[path] = body(scripted)
        with pytest.raises(IssuerUnavailableError):
            await issuer.key("ES256", "first")
        assert why in caplog.text

    run(scripted, history)


def test_an_issuer_leads_nowhere_else(scripted: ScriptedIssuer) -> None:
    async def history(issuer: Issuer) -> None:
        with run_issuer() as canary:
            scripted.status, scripted.redirect = 302, f"{canary.url}{DISCOVERY}"
            with pytest.raises(IssuerUnavailableError):
                await issuer.key("ES256", "first")
            assert canary.asked == []

    run(scripted, history)


def _publish(scripted: ScriptedIssuer, *more: dict[str, Any]) -> None:
    """Let an issuer publish what are no keys of tokens besides its keys."""
    body = json.loads(scripted.body(JWKS))
    scripted.answers[JWKS] = json.dumps({"keys": [*more, *body["keys"]]}).encode()


def test_a_key_is_for_what_it_says(scripted: ScriptedIssuer) -> None:
    scripted.keys = [
        ECKey.generate_key("P-256", {"kid": "ec", "use": "sig"}),
        ECKey.generate_key("P-256", {"kid": "secrecy", "use": "enc"}),
        OKPKey.generate_key("Ed25519", {"kid": "ed"}),
        RSAKey.generate_key(2048, {"kid": "rsa", "alg": "RS256"}),
    ]

    async def history(issuer: Issuer) -> None:
        right = ("ec", "ES256"), ("ed", "EdDSA"), ("ed", "Ed25519"), ("rsa", "RS256")
        for kid, algorithm in right:
            assert await kid_of(issuer, kid, algorithm) == kid
        for kid, algorithm in (
            *(("ec", "RS256"), ("ec", "EdDSA"), ("secrecy", "ES256"), ("ed", "ES256")),
            *(("rsa", "PS256"), ("rsa", "RS512"), ("rsa", "ES256")),
        ):
            assert await kid_of(issuer, kid, algorithm) is None, (kid, algorithm)

    run(scripted, history)


def test_a_token_that_names_no_key_is_signed_with_the_only_one(scripted: ScriptedIssuer) -> None:
    async def history(issuer: Issuer) -> None:
        assert await kid_of(issuer, None) == "first"
        assert await kid_of(issuer, None, "RS256") is None
        scripted.new_key("second")
        assert await kid_of(issuer, "second") == "second"
        assert await kid_of(issuer, None) is None

    run(scripted, history)


def test_some_keys_are_left_out(scripted: ScriptedIssuer) -> None:
    async def history(issuer: Issuer) -> None:
        rsa = RSAKey.generate_key(2048, {"kid": "weak"}).as_dict(private=False)
        weak = {**rsa, "n": str(rsa["n"])[:168]}
        secret = OctKey.import_key("a secret that is long enough", {"kid": "oct"})
        _publish(scripted, {"kty": "AKP", "kid": "new"}, weak, secret.as_dict(private=True))
        assert await kid_of(issuer) == "first"
        assert await kid_of(issuer, "weak", "RS256") is None
        assert await kid_of(issuer, "oct") is None
        assert await kid_of(issuer, "new") is None

    run(scripted, history)


@pytest.mark.parametrize(
    "url",
    [
        "http://id.example.org",
        "http://127.0.0.1.example.org",
        "ftp://id.example.org",
        "id.example.org",
        "https://",
        "",
        "https://id.example.org/?realm=lab",
        "https://id.example.org/#lab",
        "https://ada@id.example.org",
    ],
)
def test_an_issuer_is_an_encrypted_address(url: str) -> None:
    with pytest.raises(InvalidInputError):
        Issuer(url)
    assert Issuer("https://id.example.org/realms/lab").url == "https://id.example.org/realms/lab"
