"""Two compactors and a writer, each step of which comes in any order: none loses anything.

They are the real functions, stopped before each operation on the store. ``VOXLAKE_INDEX_EXAMPLES``
times 20 schedules are played: 4,000 for 200 examples.
"""

from __future__ import annotations

import os
import shutil
from random import Random
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np
import pytest
from tests.ngff.labels.answers import check_rows
from tests.ngff.labels.protocol.turns import taking_turns
from tests.ngff.labels.samples import new_volume
from tests.ngff.labels.scenes import Scene, in_small_pieces, merge_above, same_scene
from tests.ngff.labels.steps import watch

from voxlake.ngff.grid.box import Box
from voxlake.platform import store
from voxlake.platform.errors import CorruptDataError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.ngff.labels.steps import Steps

    from voxlake.platform.store import StoreURL

SCHEDULES = 20 * int(os.environ.get("VOXLAKE_INDEX_EXAMPLES", "1"))
ENOUGH = 4000
"""Schedules of which some are wrong, if anything can be; one in twelve was."""

KILLED = 0.01
"""Share of steps at which a process is killed."""
LOOKED = 0.05
"""Share of steps after which everything is asked."""

SHARDS = [Box((0, 0, 4 * i), (2, 2, 4 * i + 3)) for i in range(3)]
"""A box to write to, in each of the shards."""


def first_scene(url: StoreURL) -> Scene:
    """Return a scene of three shards, compacted, one of them written since."""
    scene = Scene(new_volume(url / "labels", (2, 2, 12), (2, 2, 2), (2, 2, 4)), url / "index")
    for box in SHARDS:
        scene.write(box, 1)
    scene.compact()
    scene.write(SHARDS[0], 2)
    return scene


def play(scene: Scene, steps: Steps, seed: int) -> None:
    """Play one schedule; look now and then, and in the end, whether all answers are right."""
    chance = Random(seed)

    def write_twice() -> None:
        for _ in range(2):
            scene.write(chance.choice(SHARDS), chance.choice([0, 1, 2, 3, (1 << 64) - 1]))

    acts: list[Callable[[], None]] = [scene.compact, scene.compact, write_twice]
    for _ in taking_turns(steps, acts, chance, KILLED):
        if chance.random() < LOOKED:
            check_rows(scene.volume, scene.ask(), [scene.voxels()])
    check_rows(scene.volume, scene.ask(), [scene.voxels()])


def first_wrong(root: StoreURL, patch: pytest.MonkeyPatch, schedules: int) -> int | None:
    """Return the first schedule after or during which an answer is wrong; None if none is."""
    in_small_pieces(patch)
    steps, first = watch(patch), first_scene(root / "first")
    for seed in range(schedules):
        merge_above(patch, (0, 2, 99)[seed % 3])
        scene = same_scene(first, root / uuid4().hex)
        try:
            play(scene, steps, seed)
        except (AssertionError, CorruptDataError):
            return seed
        shutil.rmtree(scene.index.path.parent)
    return None


@pytest.mark.timeout(3600)
def test_no_schedule_is_wrong(memory_store: StoreURL, monkeypatch: pytest.MonkeyPatch) -> None:
    assert first_wrong(memory_store, monkeypatch, SCHEDULES) is None


def test_without_create_if_absent_some_are_wrong(
    memory_store: StoreURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "create", store.write)
    assert first_wrong(memory_store, monkeypatch, ENOUGH) is not None


def test_the_order_of_a_schedule_is_that_of_its_seed(
    memory_store: StoreURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_small_pieces(monkeypatch)
    steps, first = watch(monkeypatch), first_scene(memory_store / "first")
    states = []
    for name in "ab":
        scene = same_scene(first, memory_store / name)
        play(scene, steps, 7)
        states.append(scene.voxels())
    assert np.array_equal(states[0], states[1])
