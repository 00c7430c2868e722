"""Volumes: boxes read and written, and what goes wrong, by name."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pytest
import tensorstore as ts
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ngff.datasets import Sample, create, fill
from tests.servers.faulty import closed_port

from voxlake.ngff.grid.box import Box
from voxlake.ngff.shards.whole import read_shard
from voxlake.ngff.volume import open_volume
from voxlake.platform import store
from voxlake.platform.errors import (
    CorruptDataError,
    InvalidInputError,
    NotFoundError,
    OutOfBoundsError,
    StoreError,
    StoreFullError,
    StoreReadOnlyError,
    StoreUnavailableError,
    UnsupportedError,
    VoxlakeError,
)
from voxlake.platform.store import StoreURL, as_zarr

if TYPE_CHECKING:
    from pathlib import Path

    from voxlake.ngff.volume import Volume

SAMPLE = Sample(shape=(67, 71, 131))


@pytest.fixture
def volume(lake: StoreURL) -> Volume:
    return create(lake, SAMPLE).level(0)


def draw_box(data: st.DataObject, shape: tuple[int, ...]) -> Box:
    start = tuple(data.draw(st.integers(0, n - 1)) for n in shape)
    stop = tuple(data.draw(st.integers(lo, n)) for lo, n in zip(start, shape, strict=True))
    return Box(start, stop)


@settings(max_examples=40)
@given(st.data())
def test_any_box_is_read_and_written_as_numpy_does(volume: Volume, data: st.DataObject) -> None:
    before = volume.read(volume.box).result()
    box = draw_box(data, volume.shape)
    value = data.draw(st.sampled_from([0, 1, 255]))
    voxels = np.full(box.shape, value, np.uint8)
    volume.write(box, voxels).result()
    before[box.slices] = voxels
    np.testing.assert_array_equal(volume.read(volume.box).result(), before)
    part = draw_box(data, volume.shape)
    np.testing.assert_array_equal(volume.read(part).result(), before[part.slices])


def test_a_volume_knows_its_geometry(volume: Volume) -> None:
    assert volume.shape == SAMPLE.shape
    assert volume.box == Box.of_shape(SAMPLE.shape)
    assert volume.dtype == np.uint8
    assert volume.chunk == (64, 64, 64)
    assert volume.shard == (128, 128, 192)
    assert volume.fill == 0
    assert volume.shard_box((0, 0, 0)) == volume.box
    assert volume.shard_url((0, 0, 0)) == volume.url / "c/0/0/0"


def test_a_write_reads_and_writes_each_shard_once(volume: Volume) -> None:
    def requests(kind: str) -> int:
        driver = "file" if volume.url.is_local else "s3"
        prefix = f"/tensorstore/kvstore/{driver}/{kind}"
        found = ts.experimental_collect_matching_metrics(prefix)
        return sum(
            int(value.get("value", 0))
            for metric in found
            if metric["name"] == prefix
            for value in metric["values"]
        )

    volume.write(volume.box, np.ones(volume.shape, np.uint8)).result()
    before = requests("write")
    inner = Box((1, 1, 1), (66, 70, 130))
    volume.write(inner, np.full(inner.shape, 2, np.uint8)).result()
    assert requests("write") - before == 1


def test_an_erased_shard_stays_stored(any_store: StoreURL) -> None:
    """A DELETE takes no condition: it would take other writers' voxels along."""
    volume = create(any_store, SAMPLE).level(0)
    volume.write(volume.box, np.ones(volume.shape, np.uint8)).result()
    volume.write(volume.box, np.zeros(volume.shape, np.uint8)).result()
    voxels, etag = read_shard(volume, (0, 0, 0))
    assert etag == store.head(volume.shard_url((0, 0, 0))).etag
    assert not voxels.any()


def test_voxels_may_change_once_a_write_was_asked_for(volume: Volume) -> None:
    voxels = np.ones(volume.shape, np.uint8)
    pending = volume.write(volume.box, voxels)
    voxels[:] = 2
    pending.result()
    assert (volume.read(volume.box).result() == 1).all()


def test_reads_and_writes_can_be_awaited(volume: Volume) -> None:
    async def change() -> Any:
        box = Box((0, 0, 0), (3, 4, 5))
        await volume.write(box, np.full(box.shape, 9, np.uint8))
        return await volume.read(box)

    assert (asyncio.run(change()) == 9).all()


def test_damage_is_reported_to_who_awaits(volume: Volume) -> None:
    store.write(volume.shard_url((0, 0, 0)), b"torn")

    async def read() -> Any:
        return await volume.read(volume.box)

    with pytest.raises(CorruptDataError, match="damaged"):
        asyncio.run(read())


def test_a_box_outside_is_refused_at_once(volume: Volume) -> None:
    box = Box((0, 0, 100), (1, 1, 132))
    with pytest.raises(OutOfBoundsError, match="0:131"):
        volume.read(box)
    with pytest.raises(OutOfBoundsError):
        volume.write(box, np.zeros(box.shape, np.uint8))
    with pytest.raises(OutOfBoundsError):
        volume.read(Box((-1, 0, 0), (1, 1, 1)))


def test_voxels_that_do_not_fit_are_refused_at_once(volume: Volume) -> None:
    box = Box((0, 0, 0), (2, 2, 2))
    for wrong in (np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2, 2), np.uint16)):
        with pytest.raises(InvalidInputError, match="give uint8"):
            volume.write(box, wrong)


def changed(**changes: Any) -> dict[str, Any]:
    document = {
        "zarr_format": 3,
        "node_type": "array",
        "shape": [4],
        "data_type": "uint8",
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [4]}},
        "chunk_key_encoding": {"name": "default"},
        "fill_value": 0,
        "codecs": [{"name": "bytes"}],
    }
    return document | changes


@pytest.mark.parametrize(
    ("document", "error", "says"),
    [
        ("{", CorruptDataError, "damaged"),
        ([], CorruptDataError, "damaged"),
        (changed(shape=None), CorruptDataError, "damaged"),
        (changed(fill_value="many"), CorruptDataError, "damaged"),
        (changed(node_type="group"), NotFoundError, "no zarr array"),
        (changed(codecs=[{"name": "pcodec"}]), UnsupportedError, "pcodec|not registered"),
        (changed(data_type="string"), UnsupportedError, "data type"),
    ],
)
def test_arrays_that_cannot_be_opened_say_why(
    document: Any, error: type[VoxlakeError], says: str, lake: StoreURL
) -> None:
    text = document if isinstance(document, str) else json.dumps(document)
    store.write(lake / "odd" / "zarr.json", text.encode())
    with pytest.raises(error, match=says) as raised:
        open_volume(lake / "odd")
    assert (lake / "odd").key in str(raised.value)


def test_no_array_is_not_found(any_store: StoreURL) -> None:
    with pytest.raises(NotFoundError, match="no zarr array"):
        open_volume(any_store / "nothing")


def test_a_store_that_does_not_answer_is_not_an_empty_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOXLAKE_STORE_RETRIES", "0")
    monkeypatch.setenv("VOXLAKE_S3_ANONYMOUS", "true")
    with pytest.raises(StoreUnavailableError):
        open_volume(StoreURL("s3", "bucket", "em", closed_port(), "us-east-1"))


@pytest.mark.folder
def test_a_shard_that_cannot_be_read_is_not_fill(volume: Volume) -> None:
    path = volume.shard_url((0, 0, 0)).path
    path.parent.mkdir(parents=True)
    path.symlink_to(path)
    with pytest.raises(StoreError):
        volume.read(volume.box).result()
    with pytest.raises(StoreError):
        read_shard(volume, (0, 0, 0))


@pytest.mark.folder
def test_a_folder_in_the_place_of_a_shard_is_not_fill(volume: Volume) -> None:
    volume.shard_url((0, 0, 0)).path.mkdir(parents=True)
    with pytest.raises(CorruptDataError, match="is a folder"):
        volume.read(volume.box).result()
    with pytest.raises(CorruptDataError, match="is a folder"):
        read_shard(volume, (0, 0, 0))


@pytest.mark.folder
@pytest.mark.parametrize("key", ["0.1", "0/1", "c/0/1"])
def test_a_folder_in_the_place_of_a_chunk_of_others_is_not_fill(lake: StoreURL, key: str) -> None:
    separator: Literal[".", "/"] = "." if "." in key else "/"
    version: Literal[2, 3] = 3 if key.startswith("c") else 2
    zarr.create_array(
        as_zarr(lake / "a", read_only=False),
        shape=(4, 8),
        chunks=(4, 4),
        dtype="u1",
        fill_value=7,
        zarr_format=version,
        chunk_key_encoding={"name": "v2" if version == 2 else "default", "separator": separator},
    )
    volume = open_volume(lake / "a")
    assert (volume.read(volume.box).result() == 7).all()
    (lake / "a" / key).path.mkdir(parents=True)
    with pytest.raises(CorruptDataError, match="is a folder"):
        volume.read(volume.box).result()
    assert (volume.read(Box((0, 0), (4, 4))).result() == 7).all()


def test_a_full_disk_is_named(small_folder: Path) -> None:
    large = Sample(shape=(128, 128, 256))
    volume = create(StoreURL.parse(str(small_folder)), large).level(0)
    noise = np.random.default_rng(0).integers(0, 255, large.shape, "uint8")
    with pytest.raises(StoreFullError, match="space"):
        volume.write(volume.box, noise).result()


def test_a_read_only_store_is_named(small_folder: Path, read_only_folder: Path) -> None:
    volume = create(StoreURL.parse(str(small_folder)), SAMPLE).level(0)
    there = open_volume(volume.url)
    assert there.shape == SAMPLE.shape
    read_only = StoreURL.parse(str(read_only_folder))
    with pytest.raises(StoreReadOnlyError):
        create(read_only, SAMPLE)


def test_levels_are_filled_and_read_on_every_store(any_store: StoreURL) -> None:
    dataset = create(any_store, SAMPLE)
    levels = fill(dataset, SAMPLE)
    box = Box((3, 5, 7), (66, 70, 130))
    np.testing.assert_array_equal(dataset.level(0).read(box).result(), levels[0][box.slices])
    dataset.level(0).write(box, np.zeros(box.shape, np.uint8)).result()
    levels[0][box.slices] = 0
    np.testing.assert_array_equal(dataset.level(0).read(dataset.level(0).box).result(), levels[0])
