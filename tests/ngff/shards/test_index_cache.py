"""Indices of shards: read once of each state of the object, and of no other."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.ngff.datasets import Sample, create, fill

from voxlake.ngff.shards.format import shard_format
from voxlake.ngff.shards.index_cache import index_of, keep_index, kept_index
from voxlake.platform import store
from voxlake.platform.errors import ConflictError, CorruptDataError
from voxlake.platform.store import RangeReader

if TYPE_CHECKING:
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL

FIRST = (0, 0, 0)


def settled(volume: Volume) -> RangeReader:
    """Return the first shard, open, once its state is old enough to be known again."""
    while not (opened := store.open_ranges(volume.shard_url(FIRST))).is_settled:
        time.sleep(0.01)
    return opened


@pytest.fixture
def volume(any_store: StoreURL) -> Volume:
    dataset = create(any_store, Sample())
    fill(dataset, Sample())
    return dataset.level(0)


def forbid_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> bytes:
        raise AssertionError

    monkeypatch.setattr(RangeReader, "read", refuse)


def test_a_state_is_read_once(volume: Volume, monkeypatch: pytest.MonkeyPatch) -> None:
    coding = shard_format(volume)
    body = store.read(volume.shard_url(FIRST)).body
    first = index_of(coding, settled(volume))
    np.testing.assert_array_equal(first, coding.entries_in(body, "shard"))
    forbid_reads(monkeypatch)
    assert index_of(coding, settled(volume)) is first
    assert not first.flags.writeable


def test_another_state_is_another_index(volume: Volume) -> None:
    coding = shard_format(volume)
    before = index_of(coding, settled(volume))
    volume.write(volume.box, np.ones(volume.shape, np.uint8)).result()
    after = index_of(coding, settled(volume))
    assert (after != before).any()


@pytest.mark.folder
def test_a_file_that_was_just_written_is_not_known_again(
    lake: StoreURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next one may have its number, and the clock may not have ticked."""
    dataset = create(lake, Sample())
    fill(dataset, Sample())
    volume = dataset.level(0)
    written = time.time_ns()
    monkeypatch.setattr("time.time_ns", lambda: written)
    opened = store.open_ranges(volume.shard_url(FIRST))
    assert not opened.is_settled
    index_of(shard_format(volume), opened)
    assert kept_index(shard_format(volume), opened.info) is None


def test_bytes_of_an_index_that_came_with_others_are_kept(volume: Volume) -> None:
    coding, opened = shard_format(volume), settled(volume)
    start = coding.index_start(opened.info.size)
    body = opened.read(start, opened.info.size)
    assert keep_index(coding, opened.info, body) is kept_index(coding, opened.info)


def test_damage_is_told_each_time(volume: Volume) -> None:
    url = volume.shard_url(FIRST)
    body = store.read(url).body
    for damaged in (body[:-7], body[:-1] + bytes([body[-1] ^ 1]), body[:5], b""):
        store.write(url, damaged)
        for _ in range(2):
            with pytest.raises(CorruptDataError):
                index_of(shard_format(volume), settled(volume))


def test_an_index_is_never_of_another_state(s3_store: StoreURL) -> None:
    dataset = create(s3_store, Sample())
    fill(dataset, Sample())
    volume = dataset.level(0)
    opened = store.open_ranges(volume.shard_url(FIRST))
    volume.write(volume.box, np.ones(volume.shape, np.uint8)).result()
    with pytest.raises(ConflictError, match="read it again"):
        index_of(shard_format(volume), opened)
