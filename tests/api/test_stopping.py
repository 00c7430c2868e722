"""A gateway that is told to end: load balancers see it, and answers on their way are finished."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import httpx2
import pytest
from tests.api.http.test_stalling import CUTOUT, EXTENT, lake, running

if TYPE_CHECKING:
    import socket
    from pathlib import Path

__all__ = ["lake"]

DRAIN_S = 2.0
PAUSE_S = 1.0
"""How long a slow client takes nothing after the gateway was told to end."""


def read_rest(client: socket.socket) -> bytes:
    """Return what comes until the connection ends."""
    client.settimeout(60)
    return b"".join(iter(lambda: client.recv(1 << 20), b""))


def test_it_is_not_ready_before_it_takes_no_more_requests(lake: Path) -> None:
    with running(lake, VOXLAKE_GATEWAY_DRAIN_S=str(DRAIN_S)) as server:
        begun = time.monotonic()
        assert httpx2.get(f"{server.url}/readyz").status_code == 200
        server.process.send_signal(signal.SIGTERM)
        while (answer := httpx2.get(f"{server.url}/readyz")).status_code == 200:
            assert time.monotonic() - begun < DRAIN_S
        assert answer.status_code == 503
        assert answer.json()["type"] == "urn:voxlake:error:stopping"
        # New connections are served meanwhile, and the process is alive.
        assert httpx2.get(f"{server.url}/healthz").status_code == 200
        cutout = httpx2.get(f"{server.url}{CUTOUT}?z=0:8")
        assert (cutout.status_code, cutout.headers["connection"]) == (200, "close")
        assert server.process.wait(60) == 0
        assert time.monotonic() - begun >= DRAIN_S


def test_answers_on_their_way_are_finished(lake: Path) -> None:
    with running(lake) as server, server.stall(CUTOUT) as client:
        server.process.send_signal(signal.SIGTERM)
        time.sleep(PAUSE_S)
        with pytest.raises(httpx2.ConnectError):
            httpx2.get(f"{server.url}/healthz")
        assert len(read_rest(client)) > EXTENT**3
        assert server.process.wait(60) == 0


def test_what_takes_longer_than_the_grace_is_cut_off(lake: Path) -> None:
    with running(lake, VOXLAKE_GATEWAY_GRACE_S="1") as server, server.stall(CUTOUT) as client:
        begun = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(60) == 0
        assert time.monotonic() - begun < 25
        assert len(read_rest(client)) < EXTENT**3


def test_a_second_signal_ends_it_at_once(lake: Path) -> None:
    with running(lake, VOXLAKE_GATEWAY_DRAIN_S="60") as server:
        server.process.send_signal(signal.SIGTERM)
        while httpx2.get(f"{server.url}/readyz").status_code == 200:
            time.sleep(0.01)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(60) == -signal.SIGTERM
