"""A stored shard is checked chunk by chunk: every flip and every cut is found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ngff.labels.samples import bodies, new_volume

from voxlake.ngff.shards.check import ShardCheck, check_shard
from voxlake.ngff.shards.whole import decode_shard, read_shard
from voxlake.platform import store

if TYPE_CHECKING:
    import random

    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL

CELL = (1, 1, 1)


@pytest.fixture
def volume(lake: StoreURL) -> Volume:
    """Labels in shards of 12 chunks, with checksums."""
    codec = {"name": "zstd", "configuration": {"level": 3, "checksum": True}}
    made = new_volume(lake / "labels", compressors=[codec])
    made.write(made.box, bodies(1)).result()
    return made


def test_a_sound_shard(volume: Volume) -> None:
    for cell in volume.box.cells(volume.shard):
        check = check_shard(volume, cell, store.read(volume.shard_url(cell)).body)
        assert check.is_sound
        assert check.chunks > 0


@settings(max_examples=150)
@given(st.randoms(use_true_random=False))
def test_a_flipped_bit_is_found_or_changes_nothing(volume: Volume, chance: random.Random) -> None:
    body = bytearray(store.read(volume.shard_url(CELL)).body)
    at = chance.randrange(8 * len(body))
    body[at // 8] ^= 1 << at % 8
    check = check_shard(volume, CELL, bytes(body))
    if check.is_sound:
        voxels = decode_shard(volume, CELL, bytes(body))
        np.testing.assert_array_equal(voxels, read_shard(volume, CELL)[0])
    else:
        assert check.damaged is not None
        assert volume.shard_box(CELL).contains(check.damaged)


@settings(max_examples=50)
@given(st.floats(0, 1, exclude_max=True))
def test_a_cut_is_found(volume: Volume, share: float) -> None:
    body = store.read(volume.shard_url(CELL)).body
    assert check_shard(volume, CELL, body[: int(share * len(body))]).damage is not None


def test_what_follows_the_chunks_is_slack(volume: Volume) -> None:
    """Of an index at the end, which zarr-python writes, it is damage."""
    body = store.read(volume.shard_url(CELL)).body
    assert check_shard(volume, CELL, body + b"rest").damage is not None


def test_arrays_of_other_codings_are_decoded_whole(lake: StoreURL) -> None:
    volume = new_volume(lake / "flat", shard=None, compressors=None, filters=None)
    volume.write(volume.box, bodies(2)).result()
    body = store.read(volume.shard_url(CELL)).body
    assert check_shard(volume, CELL, body) == ShardCheck(0)
    check = check_shard(volume, CELL, body[:-1])
    assert (check.damage is not None, check.damaged) == (True, volume.shard_box(CELL))
