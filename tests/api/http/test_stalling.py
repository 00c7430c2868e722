"""Clients that do not read: they are cut off, hold up nobody, and do not keep a server alive."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx2
import numpy as np
import pytest
from tests.api.lakes import Sample, add_sample
from tests.api.test_serve import PROGRAM

from voxlake.platform.catalog import open_catalog
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CUTOUT = "/v2/datasets/lab/brain/em/cutout"
SHARD = "/zarr/lab/brain/em/0/c/0/0/0"
EXTENT = 256
"""16 MiB: more than the buffers of a connection hold."""


@dataclass
class Running:
    """A gateway in a process of its own."""

    process: subprocess.Popen[str]
    url: str

    def stall(self, path: str) -> socket.socket:
        """Ask, and read no more than the first bytes of the answer."""
        host, port = self.url.removeprefix("http://").split(":")
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 14)
        client.connect((host, int(port)))
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert client.recv(12) == b"HTTP/1.1 200"
        return client


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake whose one image is one shard of noise."""
    lake = tmp_path_factory.mktemp("stalling") / "lake"
    url = StoreURL.parse(str(lake))
    voxels = np.random.default_rng(1).integers(0, 256, (EXTENT,) * 3, dtype=np.uint8)
    with open_catalog(url, Settings()) as catalog:
        add_sample(url, catalog, Sample("lab/brain/em", voxels, public=True, levels=1, small=False))
    return lake


@contextmanager
def running(lake: Path, **settings: str) -> Iterator[Running]:
    """Run a gateway."""
    command = [sys.executable, "-c", PROGRAM, str(lake), str(lake.parent / "state")]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, **settings}
    ) as process:
        assert process.stdout is not None
        try:
            yield Running(process, json.loads(process.stdout.readline())[0])
        finally:
            process.kill()


@pytest.mark.parametrize("path", [CUTOUT, SHARD])
def test_a_server_ends_although_a_client_does_not_read(path: str, lake: Path) -> None:
    with running(lake) as server, server.stall(path):
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(60) == 0


def test_a_second_signal_ends_a_server_at_once(lake: Path) -> None:
    with running(lake) as server, server.stall(CUTOUT):
        server.process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        assert server.process.poll() is None
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(60) == -signal.SIGINT


@pytest.mark.parametrize("path", [CUTOUT, SHARD])
def test_a_client_that_takes_nothing_is_cut_off(path: str, lake: Path) -> None:
    limits = {"VOXLAKE_GATEWAY_SEND_TIMEOUT_S": "1.5", "VOXLAKE_METRICS_PUBLIC": "1"}
    with running(lake, **limits) as server, server.stall(path) as idle:
        begun, taken = time.monotonic(), 0
        with server.stall(path) as slow:
            # One that takes a little now and then is none that stalls.
            while time.monotonic() - begun < 5:
                taken += len(slow.recv(1 << 15))
                time.sleep(0.2)
            slow.settimeout(60)
            while taken < EXTENT**3:
                part = slow.recv(1 << 20)
                assert part
                taken += len(part)
        # What the system's buffers held still comes, and then the end.
        assert sum(map(len, iter(lambda: idle.recv(1 << 20), b""))) < EXTENT**3 // 2
        told = httpx2.get(f"{server.url}/metrics").text
        assert 'voxlake_cut_off_requests_total{cause="stalled"} 1.0' in told


def test_memory_that_stalling_clients_hold_is_given_to_others(lake: Path) -> None:
    limits = {"VOXLAKE_GATEWAY_MEMORY_BYTES": str(70 << 20), "VOXLAKE_GATEWAY_SEND_TIMEOUT_S": "60"}
    with running(lake, **limits) as server, server.stall(CUTOUT), server.stall(CUTOUT):
        # Two of 16 MiB are in the half of 70 MiB, and this one is not.
        answer = httpx2.get(f"{server.url}{CUTOUT}", timeout=60)
        assert (answer.status_code, len(answer.content)) == (200, EXTENT**3)
