"""A store whose answers are cut off on the way: read again, and told from what is damaged."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.api.conftest import TOKEN, run_app
from tests.api.lakes import Sample, add_sample, image_voxels, label_voxels
from tests.servers.faulty import Shortening, shortening

from voxlake.api.app import create_app
from voxlake.api.identity.local import LocalIdentity
from voxlake.ngff.grid.layout import Kind
from voxlake.platform import store
from voxlake.platform.catalog import open_catalog
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from voxlake.platform.store import StoreURL

import httpx2

SHAPE = (20, 40, 50)
EM, CELLS = "lab/brain/em", "lab/brain/cells"
VOXELS = image_voxels(SHAPE)
LABELS = label_voxels(SHAPE)

type Cut = tuple[httpx2.Client, Shortening, StoreURL]


@pytest.fixture
def cut(s3_store: StoreURL, tmp_path: Path) -> Iterator[Cut]:
    """A client of a gateway, what happens on the way to its store, and the store itself."""
    settings = Settings(database_url=f"sqlite:///{tmp_path}/catalog.sqlite")
    assert s3_store.endpoint is not None
    with open_catalog(s3_store, settings) as catalog, shortening(s3_store.endpoint) as how:
        add_sample(s3_store, catalog, Sample(EM, VOXELS))
        add_sample(s3_store, catalog, Sample(CELLS, LABELS, Kind.LABELS, of="em"))
        lake = replace(s3_store, endpoint=how.endpoint)
        app = create_app(settings, lake, catalog, LocalIdentity(TOKEN, "voxlake-session-test"))
        headers = {"Authorization": f"Bearer {TOKEN}"}
        with (
            run_app(app) as url,
            httpx2.Client(base_url=url, headers=headers, timeout=30) as client,
        ):
            yield client, how, s3_store


CUTOUT = f"/v2/datasets/{EM}/cutout?format=raw"
ASKED = {
    "voxels": (CUTOUT, "0/c/0/0/0"),
    "array": (CUTOUT, "0/zarr.json"),
    "group": (f"/v2/datasets/{EM}", "em.ome.zarr/zarr.json"),
    "labels in a box": (f"/v2/datasets/{CELLS}/labels?z=0:7&y=3:9&x=5:11", "0/c/0/0/0"),
    "label": (f"/v2/datasets/{CELLS}/labels/{LABELS.max()}", ".json"),
}
"""What is asked of the gateway, and the ending of the key of what is cut off on the way."""


@pytest.mark.parametrize("what", ASKED)
def test_what_was_cut_off_on_the_way_is_read_again(what: str, cut: Cut) -> None:
    client, how, _ = cut
    url, how.key = ASKED[what]
    how.left = 1
    answer = client.get(url)
    assert (answer.status_code, how.left) == (200, 0)
    assert answer.content == client.get(url).content
    if what == "voxels":
        np.testing.assert_array_equal(
            np.frombuffer(answer.content, VOXELS.dtype).reshape(SHAPE), VOXELS
        )


@pytest.mark.parametrize("what", ASKED)
def test_what_is_cut_off_time_and_again_is_a_failure_of_the_store(what: str, cut: Cut) -> None:
    client, how, _ = cut
    url, how.key = ASKED[what]
    how.left = 70
    answer = client.get(url)
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (502, "store-error")
    how.left = 0
    assert client.get(url).status_code == 200


def test_what_is_stored_damaged_is_said_to_be(cut: Cut) -> None:
    """Two shards: which of them is told of is chance."""
    client, _, lake = cut
    for shard in ("0/c/0/0/0", "0/c/0/1/1"):
        url = lake / f"{EM}.ome.zarr" / shard
        store.write(url, store.read(url).body[:-7])
    for _ in range(4):
        answer = client.get(CUTOUT)
        assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (
            500,
            "corrupt-data",
        )
