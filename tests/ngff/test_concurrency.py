"""Eight processes write disjoint parts of the same shards, and nothing is lost."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.ngff.datasets import Sample, create
from tests.ngff.writers import WRITERS, Writer, expected, run_together

from voxlake.ngff.shard import read_shard
from voxlake.platform import store

if TYPE_CHECKING:
    from voxlake.platform.store import StoreURL

SAMPLE = Sample(shape=(67, 8, 530))
"""Two shards; every write touches both, and every chunk of them."""


@pytest.fixture(params=["lake", "s3_store"])
def place(request: pytest.FixtureRequest) -> StoreURL:
    found: StoreURL = request.getfixturevalue(request.param)
    return found


def test_nothing_is_lost(
    place: StoreURL, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config
) -> None:
    monkeypatch.syspath_prepend(pytestconfig.rootpath)  # for the processes to find this package
    erasers = {"half erase": (1, 3, 5, 7), "all but one erase": range(1, 8)}
    teams = []
    for number, team_erasers in enumerate(erasers.values()):
        volume = create(place, replace(SAMPLE, name=f"em{number}")).level(0)
        assert len(list(volume.box.cells(volume.shard))) == 2
        teams.append([Writer(volume.url, w, w in team_erasers) for w in range(WRITERS)])
    assert run_together(teams) == [0] * WRITERS
    for number, (what, team) in enumerate(zip(erasers, teams, strict=True)):
        volume = create(place, replace(SAMPLE, name=f"em{number}")).level(0)
        wanted = expected(team, volume.shape)
        found = volume.read(volume.box).result()
        lost = np.count_nonzero(found != wanted)
        assert lost == 0, f"{what}: {lost} voxels lost"
        for cell in volume.box.cells(volume.shard):
            np.testing.assert_array_equal(
                read_shard(volume, cell)[0], wanted[volume.shard_box(cell).slices]
            )
    if place.is_local:
        names = {found.url.name for found in store.walk(place)}
        assert names <= {"zarr.json", "0", "1"}  # no lock or temporary file is left
