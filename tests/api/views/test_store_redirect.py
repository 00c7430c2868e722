"""Stored bytes by presigned addresses of a real store, for clients that prefer so."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx2
import numpy as np
import pytest
import zarr
from tests.api.conftest import TOKEN, Served, run_app
from tests.api.lakes import Sample, add_sample, image_voxels, label_voxels

from voxlake.api.app import create_app
from voxlake.api.identity.local import LocalIdentity
from voxlake.ngff.grid.layout import Kind
from voxlake.platform.catalog import open_catalog
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.platform.store import StoreURL

EM, CELLS = "lab/brain/em", "lab/brain/cells"
VOXELS = image_voxels((20, 33, 37))
SHARD = f"/zarr/{EM}/0/c/0/0/0"
PREFER = {"Prefer": "redirect"}
AUTH = {"Authorization": f"Bearer {TOKEN}"}


@contextmanager
def serve(lake: StoreURL, seconds: int) -> Iterator[Served]:
    """Serve an image with labels, privately."""
    settings = Settings(presigned_seconds=seconds)
    with open_catalog(lake, settings) as catalog:
        add_sample(lake, catalog, Sample(EM, VOXELS))
        labels = label_voxels((20, 33, 37))
        add_sample(lake, catalog, Sample(CELLS, labels, Kind.LABELS, of="em"))
        identity = LocalIdentity(TOKEN, "voxlake-session-test")
        app = create_app(settings, lake, catalog, identity)
        with run_app(app) as url:
            yield Served(url, lake, catalog, app, identity, {EM: VOXELS})


def test_a_client_that_prefers_so_reads_from_the_store(s3_store: StoreURL) -> None:
    with serve(s3_store, 60) as served, served.client(owner=True) as client:
        plain = client.get(SHARD)
        sent = client.get(SHARD, headers=PREFER)
        assert (plain.status_code, sent.status_code) == (200, 307)
        assert sent.headers["Cache-Control"] == "no-store"
        assert sent.headers["Preference-Applied"] == "redirect"
        assert "Prefer" in sent.headers["Vary"]
        assert sent.content == b""
        where = sent.headers["Location"]
        assert TOKEN not in where
        part = httpx2.get(where, headers={"Range": "bytes=1-9"})
        assert (part.status_code, part.content) == (206, plain.content[1:10])
        assert httpx2.put(where, content=b"").status_code == 403
        assert httpx2.get(where.replace("/0/c/0/0/0", "/1/c/0/0/0")).status_code == 403
        options = {"headers": AUTH | PREFER}
        array = zarr.open_array(served.zarr(EM, "0"), mode="r", storage_options=options)
        assert np.array_equal(np.asarray(array[...]), VOXELS)


def test_what_tells_of_labels_and_who_may_not_read_stays_here(s3_store: StoreURL) -> None:
    with serve(s3_store, 60) as served, served.client(owner=True) as client:
        for key in ("zarr.json", "labels/zarr.json"):
            assert client.get(f"/zarr/{EM}/{key}", headers=PREFER).status_code == 200
        assert client.head(SHARD, headers=PREFER).status_code == 200
        shard = f"/zarr/{EM}/labels/cells/0/c/0/0/0"
        assert client.get(shard, headers=PREFER).status_code == 307
        with served.client() as nobody:
            assert nobody.get(SHARD, headers=PREFER).status_code == 401
            assert nobody.get(shard, headers=PREFER).status_code == 401


def test_a_link_is_answered_here(s3_store: StoreURL) -> None:
    with serve(s3_store, 60) as served, served.client(owner=True) as client:
        link = client.post(f"/v2/links/{EM}", json={}).json()["url"].rstrip("/")
        assert httpx2.get(f"{link}{SHARD}", headers=PREFER).status_code == 200


def test_the_address_ends(s3_store: StoreURL) -> None:
    with serve(s3_store, 1) as served, served.client(owner=True) as client:
        where = client.get(SHARD, headers=PREFER).headers["Location"]
        time.sleep(2.2)
        assert httpx2.get(where).status_code == 403


@pytest.mark.parametrize("seconds", [0, 60])
def test_none_is_given_unless_that_is_set_and_the_store_can(
    seconds: int, s3_store: StoreURL, lake: StoreURL
) -> None:
    where = lake if seconds else s3_store
    with serve(where, seconds) as served, served.client(owner=True) as client:
        assert client.get(SHARD, headers=PREFER).status_code == 200
