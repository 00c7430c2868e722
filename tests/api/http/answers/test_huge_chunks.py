"""Chunks that the memory of the gateway does not hold are refused before one is read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import httpx2
import pytest
from tests.api.conftest import TOKEN, run_app
from tests.api.lakes import Sample, add_sample, image_voxels, label_voxels

from voxlake.api.app import create_app
from voxlake.api.identity.local import LocalIdentity
from voxlake.ngff.grid.box import Box
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.metadata.seal import sealed
from voxlake.ngff.volume import open_volume
from voxlake.platform import store
from voxlake.platform.catalog import open_catalog
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHAPE = (20, 30, 40)
CHUNK = (1 << 10, 1 << 10, 1 << 11)
"""Of the chunks that metadata promise: 2 GiB of uint8, all that there is for answers."""
EM, CELLS = "lab/brain/em", "lab/brain/cells"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[httpx2.Client]:
    lake, settings = StoreURL.parse(str(tmp_path / "lake")), Settings()
    with open_catalog(lake, settings) as catalog:
        em = add_sample(lake, catalog, Sample(EM, image_voxels(SHAPE), levels=1))
        cells = add_sample(
            lake, catalog, Sample(CELLS, label_voxels(SHAPE), Kind.LABELS, of="em", levels=1)
        )
        for url in (em, cells):
            promise_large_chunks(url / "0" / "zarr.json")
        app = create_app(settings, lake, catalog, LocalIdentity(TOKEN, "voxlake-session-test"))
        headers = {"Authorization": f"Bearer {TOKEN}"}
        with (
            run_app(app) as base,
            httpx2.Client(base_url=base, headers=headers, timeout=30) as ours,
        ):
            yield ours


def promise_large_chunks(url: StoreURL) -> None:
    document = json.loads(store.read(url).body)
    document["chunk_grid"]["configuration"]["chunk_shape"] = CHUNK
    document["codecs"] = [{"name": "bytes", "configuration": {"endian": "little"}}]
    store.write(url, json.dumps(sealed(document)).encode())


@pytest.mark.parametrize(
    "address",
    [
        f"{EM}/cutout?z=3&y=4&x=5",
        f"{CELLS}/cutout?z=3&y=4&x=5&bodies=true",
        f"{CELLS}/labels?z=3&y=4&x=5",
        f"{CELLS}/labels/1",
        f"{CELLS}/labels/1/mask",
    ],
)
def test_a_voxel_of_a_chunk_that_memory_does_not_hold_is_refused(
    address: str, client: httpx2.Client
) -> None:
    answer = client.get(f"/v2/datasets/{address}")
    assert answer.status_code == 413
    problem = answer.json()
    assert problem["type"].endswith("limit-exceeded")
    assert "VOXLAKE_GATEWAY_MEMORY_BYTES" in problem["detail"]
    assert str((1 << 31) * (1 if EM in address else 8)) in problem["detail"]


def test_the_viewer_shows_it_without_reading_it(client: httpx2.Client) -> None:
    assert client.get(f"/v2/datasets/{EM}").status_code == 200


@pytest.mark.parametrize(
    ("box", "chunks"), [(Box((3, 4, 5), (4, 5, 6)), 1), (Box((0, 0, 15), (1, 1, 17)), 2)]
)
def test_a_volume_tells_what_decoding_takes(
    box: Box, chunks: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = StoreURL.parse(str(tmp_path))
    with open_catalog(lake, Settings()) as catalog:
        url = add_sample(lake, catalog, Sample(EM, image_voxels(SHAPE, dtype="uint16")))
    volume = open_volume(url / "0")
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    assert volume.decoding_bytes(box) == chunks * 16**3 * 2
    assert volume.decoding_bytes(volume.box) == 4 * 16**3 * 2
