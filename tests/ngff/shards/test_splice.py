"""Part of a shard is changed: its voxels are NumPy's, its bytes a whole writer's, none are lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np
import pytest
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.ngff.labels.samples import new_volume
from zarr.codecs import ZstdCodec

from voxlake.ngff.grid.box import Box
from voxlake.ngff.shards import splice
from voxlake.ngff.shards.splice import Change, Spliced, keep_where_zero, overwrite, splice_shard
from voxlake.ngff.shards.whole import encode_shard, read_shard
from voxlake.platform import store
from voxlake.platform.errors import ConflictError, CorruptDataError, UnsupportedError
from voxlake.platform.store import as_zarr

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL

SHAPE, CHUNK, SHARD = (13, 17, 23), (3, 4, 5), (6, 8, 10)
ZSTD = ZstdCodec(level=3, checksum=True)


def splice_box(
    volume: Volume, box: Box, voxels: npt.NDArray[Any], blend: splice.Blend = overwrite
) -> None:
    """Change every shard that the box touches."""
    for cell in box.cells(volume.shard):
        part = volume.shard_box(cell) & box
        splice_shard(volume, cell, [Change(part, voxels[part.within(box).slices], blend)])


def boxes(shape: tuple[int, ...]) -> st.SearchStrategy[Box]:
    """Boxes inside `shape` that are not empty."""
    ends = [st.tuples(*[st.integers(0, n - 1)] * 2).map(sorted) for n in shape]
    return st.tuples(*ends).map(
        lambda pairs: Box(tuple(lo for lo, _ in pairs), tuple(hi + 1 for _, hi in pairs))
    )


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(
        st.tuples(boxes(SHAPE), st.integers(0, 3), st.booleans()), min_size=1, max_size=6
    ),
    dtype=st.sampled_from(["uint8", "uint64", "float32"]),
    number=st.integers(0, 1 << 40),
    part_bytes=st.sampled_from([1, splice.PART_BYTES]),
)
def test_any_changes_are_those_of_numpy(
    memory_store: StoreURL,
    changes: list[tuple[Box, int, bool]],
    dtype: str,
    number: int,
    part_bytes: int,
) -> None:
    url = memory_store / f"{number}-{dtype}-{len(store.list_children(memory_store)[0])}"
    volume = new_volume(url, SHAPE, CHUNK, SHARD, dtype=dtype, compressors=[ZSTD])
    expected = np.zeros(SHAPE, dtype)
    rng = np.random.default_rng(number)
    for box, most, keeps in changes:
        voxels = rng.integers(0, most + 1, box.shape).astype(dtype)
        with patch.object(splice, "PART_BYTES", part_bytes):
            splice_box(volume, box, voxels, keep_where_zero if keeps else overwrite)
        part = expected[box.slices]
        part[...] = np.where(voxels != 0, voxels, part) if keeps else voxels
    array: Any = zarr.open_array(as_zarr(url), mode="r")
    np.testing.assert_array_equal(array[:], expected)
    for cell in volume.box.cells(volume.shard):
        found, etag = read_shard(volume, cell)
        body = encode_shard(volume, found)
        if body is not None:
            assert store.read(volume.shard_url(cell)).body == body
        elif etag is not None:
            assert len(store.read(volume.shard_url(cell)).body) < 200, "it has no chunks"


def test_channels_and_time_points(lake: StoreURL) -> None:
    volume = new_volume(
        lake / "em", (3, 2, 7, 9, 11), (1, 1, 3, 4, 5), (2, 2, 6, 8, 10), compressors=[ZSTD]
    )
    expected = np.zeros(volume.shape, np.uint64)
    box = Box((1, 0, 2, 3, 4), (3, 2, 7, 9, 11))
    voxels = np.arange(1, box.size + 1, dtype=np.uint64).reshape(box.shape)
    splice_box(volume, box, voxels)
    expected[box.slices] = voxels
    np.testing.assert_array_equal(volume.read(volume.box).result(), expected)


def test_what_does_not_change_is_neither_coded_nor_stored(lake: StoreURL) -> None:
    volume = new_volume(lake / "em", SHAPE, CHUNK, SHARD, compressors=[ZSTD])
    splice_box(volume, Box.of_shape(SHAPE), np.full(SHAPE, 7, np.uint64))
    before = store.read(volume.shard_url((0, 0, 0)))
    one = Box((0, 0, 0), (1, 1, 1))
    same: Spliced[None] = splice_shard(
        volume, (0, 0, 0), [Change(one, np.full((1, 1, 1), 7, np.uint64))]
    )
    assert (same.before, same.etag, same.parts) == (before.etag, before.etag, ())
    assert store.head(volume.shard_url((0, 0, 0))).etag == before.etag
    change = Change(one, np.full((1, 1, 1), 8, np.uint64))
    other = splice_shard(volume, (0, 0, 0), [change], note=lambda *noted: noted)
    assert [box.shape for box, _ in filter(None, other.parts)] == [CHUNK]
    assert other.before == before.etag != other.etag


def test_an_erased_shard_is_stored_without_chunks(any_store: StoreURL) -> None:
    volume = new_volume(any_store / "em", SHAPE, CHUNK, SHARD, compressors=[ZSTD])
    box = Box((0, 0, 0), SHARD)
    splice_box(volume, box, np.ones(SHARD, np.uint64))
    erased: Spliced[None] = splice_shard(
        volume, (0, 0, 0), [Change(box, np.zeros(SHARD, np.uint64))]
    )
    stored = store.read(volume.shard_url((0, 0, 0)))
    assert erased.etag == stored.etag
    assert len(stored.body) < 200
    assert not volume.read(volume.box).result().any()
    again: Spliced[None] = splice_shard(
        volume, (0, 0, 0), [Change(box, np.zeros(SHARD, np.uint64))]
    )
    assert again.etag == erased.etag


def test_a_damaged_chunk_is_an_error_unless_it_is_overwritten(lake: StoreURL) -> None:
    volume = new_volume(lake / "em", SHAPE, CHUNK, SHARD, compressors=[ZSTD])
    rng = np.random.default_rng(5)
    splice_box(volume, Box.of_shape(SHAPE), rng.integers(1, 99, SHAPE).astype(np.uint64))
    url = volume.shard_url((0, 0, 0))
    body = bytearray(store.read(url).body)
    body[20] ^= 1
    store.write(url, bytes(body))
    one = Box((0, 0, 0), (1, 1, 1))
    with pytest.raises(CorruptDataError, match="damaged"):
        splice_shard(volume, (0, 0, 0), [Change(one, np.ones((1, 1, 1), np.uint64))])
    assert store.read(url).body == body
    whole = Box((0, 0, 0), CHUNK)
    splice_shard(volume, (0, 0, 0), [Change(whole, np.ones(CHUNK, np.uint64))])
    assert (read_shard(volume, (0, 0, 0))[0][whole.slices] == 1).all()
    body[-1] ^= 1
    store.write(url, bytes(body))
    with pytest.raises(CorruptDataError, match="checksum of its index"):
        splice_shard(volume, (0, 0, 0), [Change(whole, np.ones(CHUNK, np.uint64))])


def test_another_coding_is_refused(lake: StoreURL) -> None:
    volume = new_volume(lake / "em", SHAPE, CHUNK, None)
    with pytest.raises(UnsupportedError, match="not coded as voxlake does"):
        splice_shard(volume, (0, 0, 0), [Change(Box((0,) * 3, (1,) * 3), np.ones((1,) * 3, "u8"))])


def test_writers_of_one_shard_lose_nothing(any_store: StoreURL) -> None:
    volume = new_volume(any_store / "em", SHAPE, CHUNK, SHAPE_OF_ONE, compressors=[ZSTD])
    rows = [Box((z, y, 0), (z + 1, y + 1, 23)) for z in range(4) for y in range(6)]

    def write(number: int) -> None:
        splice_box(volume, rows[number], np.full((1, 1, 23), number + 1, np.uint64))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(len(rows))))
    found = volume.read(volume.box).result()
    for number, box in enumerate(rows):
        assert (found[box.slices] == number + 1).all()
    assert np.count_nonzero(found) == len(rows) * 23


SHAPE_OF_ONE = (15, 20, 25)
"""One shard for all."""


def others_first(volume: Volume, times: int) -> Callable[..., str]:
    """Return a `replace` before which others write, so many times."""
    replace, left = store.replace, [times]

    def late(url: StoreURL, body: bytes, known: str) -> str:
        if left[0]:
            voxels = np.full((1, 1, 1), left[0], np.uint64)
            volume.write(Box((5, 5, 5), (6, 6, 6)), voxels).result()
            left[0] -= 1
        return replace(url, body, known)

    return late


def test_who_is_late_reads_again(s3_store: StoreURL, monkeypatch: pytest.MonkeyPatch) -> None:
    volume = new_volume(s3_store / "em", SHAPE, CHUNK, SHARD, compressors=[ZSTD])
    one = Box((0, 0, 0), (1, 1, 1))
    splice_box(volume, Box((3, 3, 3), (4, 4, 4)), np.full((1, 1, 1), 3, np.uint64))
    monkeypatch.setattr(store, "replace", others_first(volume, 2))
    splice_box(volume, one, np.ones((1, 1, 1), np.uint64))
    found = volume.read(volume.box).result()
    assert found[found != 0].tolist() == [1, 3, 1]
    monkeypatch.setattr(splice, "TRIES", 3)
    monkeypatch.setattr(store, "replace", others_first(volume, 99))
    with pytest.raises(ConflictError, match="3 times"):
        splice_box(volume, one, np.full((1, 1, 1), 2, np.uint64))


def test_a_lost_answer_is_taken_for_what_it_was(
    s3_store: StoreURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume = new_volume(s3_store / "em", SHAPE, CHUNK, SHARD, compressors=[ZSTD])
    replace, lost = store.replace, [1]

    def lose(url: StoreURL, body: bytes, known: str) -> str:
        etag = replace(url, body, known)
        if lost[0]:
            lost[0] -= 1
            return replace(url, body, known)  # as the library does that hears nothing
        return etag

    monkeypatch.setattr(store, "replace", lose)
    done: Spliced[None] = splice_shard(
        volume, (0, 0, 0), [Change(Box((0,) * 3, (1,) * 3), np.ones((1,) * 3, np.uint64))]
    )
    assert store.head(volume.shard_url((0, 0, 0))).etag == done.etag
