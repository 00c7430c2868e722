"""Eight processes write disjoint parts of the same shards; some are killed; nothing is lost."""

from __future__ import annotations

import multiprocessing
import random
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.ngff.datasets import Sample, create
from tests.ngff.labels.samples import new_volume
from tests.ngff.writers import (
    CHUNK,
    SHAPE,
    SHARD,
    WRITERS,
    Writer,
    expected,
    parcels,
    run_together,
)

from voxlake.ngff.grid.box import Box
from voxlake.ngff.shards.check import check_shard
from voxlake.ngff.shards.whole import read_shard
from voxlake.ngff.volume import open_volume
from voxlake.platform import store

if TYPE_CHECKING:
    from multiprocessing.synchronize import Event

    from voxlake.platform.store import StoreURL

WRITES = {"file": 80, "s3": 20}
"""Of each writer; ``python -m benchmarks.concurrent_writes`` has each do a thousand."""


@pytest.fixture(params=["lake", "s3_store"])
def place(request: pytest.FixtureRequest) -> StoreURL:
    found: StoreURL = request.getfixturevalue(request.param)
    return found


@pytest.fixture(autouse=True)
def _found_by_processes(monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config) -> None:
    monkeypatch.syspath_prepend(pytestconfig.rootpath)


def test_parcels_share_shards_and_overlap_nowhere() -> None:
    found = parcels(SHAPE, 12 * WRITERS)
    count = np.zeros(SHAPE, int)
    for box in found:
        count[box.slices] += 1
    assert (count == 1).all()
    touched = [{cell for box in found[n::WRITERS] for cell in box.cells(SHARD)} for n in range(8)]
    assert len(set.intersection(*touched)) >= 5
    assert sum(len(list(box.cells(SHARD))) > 1 for box in found) > 30


def test_nothing_is_lost(place: StoreURL) -> None:
    volume = new_volume(place / "a", SHAPE, CHUNK, SHARD, dtype="uint8")
    team = [Writer(volume.url, number, WRITES[place.scheme]) for number in range(WRITERS)]
    if place.is_local:
        team[0] = replace(team[0], library="tensorstore")  # others may write, too
    assert run_together(team) == [0] * WRITERS
    wanted = expected(team)
    np.testing.assert_array_equal(volume.read(volume.box).result(), wanted)
    for cell in volume.box.cells(volume.shard):
        np.testing.assert_array_equal(
            read_shard(volume, cell)[0], wanted[volume.shard_box(cell).slices]
        )
    if place.is_local:
        names = {found.url.name for found in store.walk(place)}
        assert names <= {"zarr.json", "0", "1", "2"}  # no lock or temporary file is left


def _overwrite(url: StoreURL, begun: Event, seed: int) -> None:
    """Write noise, which is long, and zeros, which are short, for ever."""
    volume = open_volume(url)
    noise = np.random.default_rng(seed).integers(1, 255, volume.shape, np.uint8)
    while True:
        for voxels in (noise, np.zeros_like(noise)):
            volume.write(volume.box, voxels).result()
            begun.set()


def test_a_killed_writer_blocks_no_one_and_tears_nothing(lake: StoreURL) -> None:
    """And what the killed one left of a longer shard is no part of a shorter one."""
    sample = Sample(shape=(64, 64, 1024))
    volume = create(lake, sample).level(0)
    corner = Box((0, 0, 0), (1, 1, 1))
    context, chance = multiprocessing.get_context("spawn"), random.Random(1)
    for kill in range(4):
        begun = context.Event()
        writer = context.Process(target=_overwrite, args=(volume.url, begun, kill), daemon=True)
        writer.start()
        assert begun.wait(60)
        time.sleep(chance.random() / 20)
        writer.kill()
        writer.join()
        began = time.monotonic()
        volume.write(corner, np.full(corner.shape, 7, np.uint8)).result()
        assert time.monotonic() - began < 10
        for cell in volume.box.cells(volume.shard):
            assert check_shard(volume, cell, store.read(volume.shard_url(cell)).body).is_sound
            voxels, _ = read_shard(volume, cell)
            zeros = np.count_nonzero(voxels == 0)
            assert zeros in {0, voxels.size - (cell == (0, 0, 0))}
    # What the last one held as it was killed is free for others, shard by shard.
    volume.write(volume.box, np.zeros(volume.shape, np.uint8)).result()
    store.sweep(lake)
    names = {found.url.name for found in store.walk(volume.url)}
    assert names == {"zarr.json", "0", "1"}


@pytest.mark.folder
def test_a_lock_left_behind_ends_in_no_object(lake: StoreURL) -> None:
    """TensorStore's own locks would: the lock file becomes the object, whatever it held."""
    volume = create(lake, replace(Sample(), name="other")).level(0)
    shard = volume.shard_url((0, 0, 0)).path
    shard.parent.mkdir(parents=True)
    (shard.parent / f"{shard.name}.__lock").write_bytes(b"torn" * 1_000_000)
    volume.write(volume.box, np.ones(volume.shape, np.uint8)).result()
    assert shard.stat().st_size < 1_000_000
