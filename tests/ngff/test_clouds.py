"""Volumes and labels in buckets of Google and containers of Azure: conditions of their own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.ngff.labels.queries.test_in_box import index_all
from tests.ngff.labels.samples import new_volume
from zarr.codecs import ZstdCodec

from voxlake.ngff.grid.box import Box
from voxlake.ngff.labels.handle import Labels
from voxlake.ngff.labels.sidecars.trust import index_status
from voxlake.ngff.labels.writing import write_labels
from voxlake.ngff.volume import open_volume
from voxlake.ngff.writing import write_voxels
from voxlake.platform.errors import UnsupportedError

if TYPE_CHECKING:
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL

SHAPE, CHUNK, SHARD = (8, 16, 32), (4, 4, 8), (8, 16, 16)
ONE = Box((0, 0, 0), (1, 1, 1))


@pytest.fixture(params=["gcs_store", "azure_store"])
def cloud(request: pytest.FixtureRequest) -> StoreURL:
    """An empty prefix of a bucket of each."""
    url: StoreURL = request.getfixturevalue(request.param)
    return url


def coded(url: StoreURL) -> Volume:
    """Make an array that is coded as voxlake codes."""
    codecs = [ZstdCodec(level=3, checksum=True)]
    return new_volume(url, SHAPE, CHUNK, SHARD, compressors=codecs)


def test_of_writers_of_one_shard_none_is_lost(cloud: StoreURL) -> None:
    volume, expected = coded(cloud / "em"), np.zeros(SHAPE, np.uint64)
    boxes = [Box((0, 4 * y, 0), (8, 4 * y + 4, 32)) for y in range(4)]
    for number, box in enumerate(boxes, 1):
        expected[box.slices] = number

    def write(box: Box) -> None:
        write_voxels(volume, box, expected[box.slices])

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, boxes))
    for opened in (volume, open_volume(cloud / "em"), open_volume(cloud / "em", 0)):
        np.testing.assert_array_equal(opened.read(opened.box).result(), expected)


def test_labels_are_written_and_found(cloud: StoreURL) -> None:
    volume, index = coded(cloud / "labels"), cloud / "index"
    write_voxels(volume, volume.box, np.ones(SHAPE, np.uint64))
    index_all(volume, index)
    box = Box((1, 2, 3), (7, 9, 20))
    write_labels(Labels(volume, index), box, np.full(box.shape, 77, np.uint64), by="ada")
    status = index_status(Labels(volume, index))
    assert (status.indexed, status.stale, status.missing) == (status.shards, 0, 0)
    voxels = volume.read(volume.box).result()
    expected = np.unique(np.argwhere(voxels == 77) // CHUNK, axis=0)
    assert np.array_equal(Labels(volume, index).view().chunks(77), expected)


def test_what_tensorstore_is_to_do_on_azure_is_refused(azure_store: StoreURL) -> None:
    """It would take what it may not read for fill."""
    volume = coded(azure_store / "em")
    with pytest.raises(UnsupportedError, match="TensorStore"):
        volume.write(ONE, np.ones(ONE.shape, np.uint64))
    with pytest.raises(UnsupportedError, match="TensorStore"):
        new_volume(azure_store / "plain", SHAPE, CHUNK, None)
