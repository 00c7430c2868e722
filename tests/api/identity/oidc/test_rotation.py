"""A real issuer takes new keys, hangs, and dies; who carries its tokens notices late or not."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest
from tests.api.identity.gateways import PUBLIC, Issued, run_gateway
from tests.servers.nanoidp import NanoIdp, run_nanoidp

from voxlake.api.identity.bearer import KNOWN_SECONDS
from voxlake.api.identity.oidc.issuer import Pace
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def rotated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NanoIdp]:
    """An issuer of this file's own, which comes to harm."""
    with run_nanoidp(tmp_path_factory.mktemp("nanoidp")) as running:
        yield running


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, rotated: NanoIdp) -> Iterator[Issued]:
    lake = StoreURL.parse(str(tmp_path_factory.mktemp("rotated") / "lake"))
    with run_gateway(lake, rotated.issuer) as running:
        yield running


def forget(gateway: Issued) -> None:
    """Wait until the gateway looks at tokens again."""
    time.sleep(KNOWN_SECONDS + 0.05)


def test_new_keys_are_seen_and_old_ones_hold(gateway: Issued, rotated: NanoIdp) -> None:
    gateway.bearer.issuer.pace = Pace(unknown=3)
    old = rotated.access_token("ada")
    assert gateway.status(old, PUBLIC) == 200
    rotated.rotate()
    new = rotated.access_token("ada")
    assert gateway.status(new, PUBLIC) == 200
    began = time.monotonic()
    rotated.rotate()
    newest = rotated.access_token("ada")
    statuses = [gateway.status(newest, PUBLIC)]
    while statuses[-1] == 401:
        assert time.monotonic() - began < 60
        time.sleep(0.1)
        statuses.append(gateway.status(newest, PUBLIC))
    # It was asked for the key before a moment ago, so not at once again.
    assert statuses[0] == 401
    assert statuses[-1] == 200
    assert [gateway.status(token, PUBLIC) for token in (old, new)] == [200, 200]


def test_an_issuer_that_hangs_holds_nobody_up(gateway: Issued, rotated: NanoIdp) -> None:
    tokens = [rotated.access_token(user) for user in ("ada", "bob", "root")]
    gateway.catalog.people.add_user("program")
    _, secret = gateway.catalog.tokens.make("program", "test")
    gateway.status(tokens[0], PUBLIC)
    os.kill(rotated.pid, signal.SIGSTOP)
    try:
        gateway.bearer.issuer.pace = Pace(fresh=0.01, stale=3600, answer=3)
        forget(gateway)
        # Who comes first waits, as the keys are too old; nobody does after that.
        assert gateway.status(tokens[0], PUBLIC) == 200
        began = time.monotonic()
        for token in (*tokens, secret, None) * 3:
            assert gateway.status(token, PUBLIC) == 200
        assert time.monotonic() - began < 10 * 3
    finally:
        os.kill(rotated.pid, signal.SIGCONT)


def test_an_issuer_that_dies_is_survived_for_a_while(gateway: Issued, rotated: NanoIdp) -> None:
    gateway.bearer.issuer.pace = Pace(fresh=0.1, stale=3, retry=0.1)
    token = rotated.access_token("ada")
    _, secret = gateway.catalog.tokens.make("program", "test")
    time.sleep(0.3)
    assert gateway.status(token, PUBLIC) == 200
    os.kill(rotated.pid, signal.SIGKILL)
    forget(gateway)
    assert gateway.status(token, PUBLIC) == 200
    time.sleep(3)
    with gateway.client(token) as ada:
        answer = ada.get(PUBLIC)
    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:voxlake:error:issuer-unavailable"
    assert "www-authenticate" not in answer.headers
    assert gateway.status(secret, PUBLIC) == 200
    assert gateway.status(None, PUBLIC) == 200
    assert gateway.status("a.b.c", PUBLIC) == 401
