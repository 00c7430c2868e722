"""A store that fails in every way: what clients are told is right, or an error."""

from __future__ import annotations

import os
import random
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.conftest import forget_stores
from tests.integration.faults import CLIENTS, Chance
from tests.servers.s3_proxy import s3_proxy

from voxlake.platform.errors import VoxlakeError

if TYPE_CHECKING:
    from tests.servers.s3 import S3Server

    from voxlake.platform.store import StoreURL

ROUNDS = int(os.environ.get("VOXLAKE_FAULT_ROUNDS", "3"))
"""How often each client does what it does; CI tries few."""

SHARE = 0.3
"""Of requests that fail."""


@pytest.mark.timeout(60 + 15 * ROUNDS)
@pytest.mark.parametrize("name", CLIENTS)
def test_what_is_told_is_right_or_an_error(
    name: str,
    s3_server: S3Server,
    s3_store: StoreURL,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    monkeypatch.setenv("VOXLAKE_STORE_STALL_TIMEOUT_S", "1")
    monkeypatch.setenv("TENSORSTORE_CURL_LOW_SPEED_TIME_SECONDS", "1")
    forget_stores()
    seed = f"{request.config.getoption('hypothesis_seed')} {name}"
    with s3_proxy(s3_server.endpoint) as proxy:
        client = CLIENTS[name](replace(s3_store, endpoint=proxy.endpoint), s3_store)
        chance = Chance(random.Random(seed), client.faults, SHARE)
        for number in range(ROUNDS):
            proxy.choose = chance
            with suppress(VoxlakeError):
                client.act(number)
            proxy.choose = lambda _: None
            client.check()
        client.act(ROUNDS)  # a store that is well again
        client.check()
