"""Writes that take long: shard by shard, to their end, whoever leaves and however long it takes."""

from __future__ import annotations

import socket
import time
from contextlib import contextmanager
from threading import Event
from typing import TYPE_CHECKING, Any
from unittest.mock import patch
from urllib.parse import urlsplit

import numpy as np
import pytest
from tests.api.conftest import TOKEN, Served, run_app
from tests.api.lakes import Sample, add_sample, image_voxels
from tests.api.v2.datasets.test_writing import RAW, url_of

from voxlake.api.app import create_app
from voxlake.api.data.writing import writing
from voxlake.api.identity.local import LocalIdentity
from voxlake.ngff.volume import open_volume
from voxlake.ngff.writing import write_shard
from voxlake.platform.catalog import open_catalog
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.platform.store import StoreURL

EM, SHAPE = "lab/brain/em", (32, 32, 160)
SHARDS, SECONDS, LIMIT_S = 5, 0.5, 1.2
BEGUN = Event()
"""Set once the first shard is being written."""


@pytest.fixture
def gateway(lake: StoreURL) -> Iterator[Served]:
    """A gateway that waits a second for each part of its work, and writes a shard at a time."""
    chosen = Settings(gateway_request_timeout_s=LIMIT_S)
    with open_catalog(lake, chosen) as catalog:
        sample = Sample(EM, image_voxels(SHAPE), levels=1)
        add_sample(lake, catalog, sample)
        identity = LocalIdentity(TOKEN, "voxlake-session-test")
        app = create_app(chosen, lake, catalog, identity)
        with slowed(), run_app(app) as url:
            yield Served(url, lake, catalog, app, identity, {EM: sample.voxels})


@contextmanager
def slowed() -> Iterator[None]:
    """Have each shard take a while, one after another."""

    BEGUN.clear()

    def write_slowly(*asked: Any) -> str:
        BEGUN.set()
        time.sleep(SECONDS)
        return write_shard(*asked)

    with (
        patch.object(writing, "WRITTEN_BYTES", 1),
        patch.object(writing, "write_shard", write_slowly),
    ):
        yield


def stored(gateway: Served) -> Any:
    """Return the voxels as they lie."""
    volume = open_volume(gateway.lake / "lab/brain/em.ome.zarr/0")
    return volume.read(volume.box).result()


def test_a_write_may_take_long_while_it_goes_on(gateway: Served) -> None:
    voxels = np.full(SHAPE, 7, np.uint8)
    with gateway.client(owner=True) as client:
        begun = time.monotonic()
        done = client.put(url_of(EM, ""), content=voxels.tobytes(), headers=RAW)
        assert done.status_code == 200, done.text
        assert time.monotonic() - begun > SHARDS * SECONDS > LIMIT_S
        np.testing.assert_array_equal(stored(gateway), voxels)


def test_what_was_begun_is_written_when_its_client_has_left(gateway: Served) -> None:
    voxels, answers = np.full(SHAPE, 9, np.uint8), gateway.app.state.gateway.answers
    address = urlsplit(gateway.url)
    head = (
        f"PUT {url_of(EM, '')} HTTP/1.1\r\nHost: {address.netloc}\r\n"
        f"Authorization: Bearer {TOKEN}\r\nContent-Type: application/octet-stream\r\n"
        f"Content-Length: {voxels.nbytes}\r\n\r\n"
    )
    with socket.create_connection((address.hostname, address.port)) as leaver:
        leaver.sendall(head.encode() + voxels.tobytes())
        assert BEGUN.wait(60)
    deadline = time.monotonic() + 60
    while answers.used_bytes and time.monotonic() < deadline:
        assert answers.used_bytes >= voxels.nbytes
        time.sleep(0.01)
    np.testing.assert_array_equal(stored(gateway), voxels)
