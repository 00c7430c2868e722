"""Readers that opened a dataset before its deletion: what they get is whole, or an error."""

from __future__ import annotations

import asyncio
from threading import Thread
from typing import TYPE_CHECKING

import numpy as np
import pytest
import zarr
from tests.ngff.datasets import Sample, create, fill, new_dataset

from voxlake.ngff.grid.box import Box
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.labels.handle import Labels
from voxlake.ngff.labels.sidecars.trust import index_status
from voxlake.ngff.labels.view import View
from voxlake.ngff.making.create import remove_dataset
from voxlake.ngff.shards.reader import open_shard
from voxlake.ngff.shards.whole import read_shard
from voxlake.ngff.volume import open_volume
from voxlake.platform import store
from voxlake.platform.errors import ConflictError, VoxlakeError
from voxlake.platform.store import as_zarr

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL

LABELS = Sample(Kind.LABELS, (67, 71, 131), "uint64", name="seg")
FIRST = (0, 0, 0)


async def _awaited(volume: Volume) -> None:
    await volume.read(volume.box)


READERS: dict[str, Callable[[Volume, Labels], object]] = {
    "read": lambda volume, _: volume.read(volume.box).result(),
    "part": lambda volume, _: volume.read(volume.shard_box(FIRST)).result(),
    "await": lambda volume, _: asyncio.run(_awaited(volume)),
    "shard": lambda volume, _: read_shard(volume, FIRST),
    "open-shard": lambda volume, _: open_shard(volume, FIRST),
    "in-box": lambda volume, labels: labels.in_box(volume.box),
    "at": lambda _, labels: labels.at([(40, 40, 40)]),
    "all": lambda _, labels: labels.ask(View.all),
    "extent": lambda _, labels: labels.ask(lambda view: view.extent(1)),
    "status": lambda _, labels: index_status(labels),
}


def _cut_off(lake: StoreURL, sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    """Delete the dataset, but for what a deletion that is cut off after its first shard leaves."""
    url = lake / new_dataset(sample).place.key
    with monkeypatch.context() as patched:
        patched.setattr(store, "delete_tree", lambda _: None)
        remove_dataset(lake, new_dataset(sample).place)
    store.delete(next(info.url for info in store.walk(url / "0")))


@pytest.mark.parametrize("reader", READERS)
def test_what_is_deleted_is_no_fill(
    any_store: StoreURL, reader: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = create(any_store, LABELS)
    fill(dataset, LABELS)
    volume = dataset.level(0)
    labels = Labels(volume, any_store / new_dataset(LABELS).place.index_key)
    READERS[reader](volume, labels)
    _cut_off(any_store, LABELS, monkeypatch)
    with pytest.raises(ConflictError, match="deleted or replaced"):
        READERS[reader](volume, labels)


def test_zarr_does_not_take_it_for_fill(
    any_store: StoreURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = create(any_store, LABELS)
    (voxels, *_) = fill(dataset, LABELS)
    array = zarr.open_array(as_zarr(dataset.url), path="0", mode="r")
    assert np.array_equal(array[...], voxels)
    _cut_off(any_store, LABELS, monkeypatch)
    with pytest.raises(ConflictError, match="deleted or replaced"):
        array[...]


@pytest.mark.parametrize("fill_value", [0, 7, np.nan])
def test_what_was_never_written_is_fill(lake: StoreURL, fill_value: float) -> None:
    array = zarr.create_array(
        as_zarr(lake / "a", read_only=False),
        shape=(8, 8, 8),
        chunks=(4, 4, 4),
        dtype="float32",
        fill_value=fill_value,
    )
    array[:4] = 1
    volume = open_volume(lake / "a")
    wanted = np.full((8, 8, 8), fill_value, np.float32)
    wanted[:4] = 1
    assert np.array_equal(volume.read(volume.box).result(), wanted, equal_nan=True)
    store.delete(lake / "a/zarr.json")
    written = Box((0, 0, 0), (4, 8, 8))
    assert np.array_equal(volume.read(written).result(), wanted[:4])
    with pytest.raises(ConflictError, match="deleted or replaced"):
        volume.read(volume.box).result()


def test_very_many_shards_are_not_looked_at_one_by_one(lake: StoreURL) -> None:
    written = as_zarr(lake / "a", read_only=False)
    zarr.create_array(written, shape=(12, 12, 12), chunks=(1, 1, 1), dtype="uint8", fill_value=0)
    volume = open_volume(lake / "a")
    assert not volume.read(volume.box).result().any()
    store.delete(lake / "a/zarr.json")
    with pytest.raises(ConflictError, match="deleted or replaced"):
        volume.read(volume.box).result()


def test_a_reader_in_a_loop_while_it_is_deleted(any_store: StoreURL) -> None:
    dataset = create(any_store, Sample())
    (voxels, *_) = fill(dataset, Sample())
    volume = dataset.level(0)
    deletion = Thread(target=remove_dataset, args=(any_store, new_dataset(Sample()).place))
    whole, failed = 0, 0
    while not failed:
        try:
            assert np.array_equal(volume.read(volume.box).result(), voxels)
            whole += 1
        except VoxlakeError:
            failed += 1
        if whole == 1:
            deletion.start()
            whole += 1
    deletion.join()
