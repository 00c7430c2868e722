"""An issuer at which nobody can sign in is told of."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.servers.issuer import DISCOVERY, ScriptedIssuer, run_issuer

from voxlake.api.checks import issuer as checks
from voxlake.api.checks.issuer import look_at_issuer

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def issuer() -> Iterator[ScriptedIssuer]:
    """One at which people sign in."""
    with run_issuer() as running:
        about = running.about() | {"authorization_endpoint": f"{running.url}/authorize"}
        running.answers[DISCOVERY] = json.dumps(about).encode()
        yield running


def test_one_that_is_well_is_told_with_its_keys(issuer: ScriptedIssuer) -> None:
    assert look_at_issuer(issuer.url) == ("ok", f"{issuer.url} answers, with 1 keys", None)


def test_a_clock_that_is_wrong_is_told(
    issuer: ScriptedIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "CLOCK_S", -1)
    state, found, advice = look_at_issuer(issuer.url)
    assert state == "warn"
    assert "its clock differs" in found
    assert "NTP" in (advice or "")


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ({DISCOVERY: b"{}"}, "VOXLAKE_OIDC_ISSUER"),
        ({"/keys": b'{"keys": []}'}, "none of its keys"),
        ({"/keys": b"no JSON"}, "cannot be read"),
    ],
    ids=["another", "no keys", "no JSON"],
)
def test_what_is_wrong_is_told(
    issuer: ScriptedIssuer, answers: dict[str, bytes], told: str
) -> None:
    issuer.answers |= answers
    state, found, advice = look_at_issuer(issuer.url)
    assert state == "fail"
    assert told in found
    assert advice is not None


def test_one_without_a_place_to_sign_in_is_told(issuer: ScriptedIssuer) -> None:
    del issuer.answers[DISCOVERY]
    assert "no place to sign in" in look_at_issuer(issuer.url)[1]
