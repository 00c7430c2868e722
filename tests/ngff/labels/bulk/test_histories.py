"""Bulk jobs cut off and joined at every step, and in any interleaving: queries are brute force."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ngff.labels.bulk_jobs import BulkJob, finish_or_begin_anew, in_small_builds
from tests.ngff.labels.scenes import SHAPE, in_small_pieces, labels_of, new_scene, sweeping_at_once
from tests.ngff.labels.steps import watch

from voxlake.ngff.grid.box import Box
from voxlake.ngff.labels.bulk.build import building_url
from voxlake.ngff.labels.upkeep.auditing import audit
from voxlake.ngff.labels.upkeep.marker import list_markers
from voxlake.platform import store
from voxlake.platform.errors import (
    ConflictError,
    ObjectNotFoundError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.ngff.labels.scenes import Scene

    from voxlake.platform.store import StoreURL

EXAMPLES = int(os.environ.get("VOXLAKE_INDEX_EXAMPLES", "0"))
"""If set, more steps and interleavings are tried."""

FIRST, LAST = Box((0, 0, 0), (3, 3, 5)), Box((3, 4, 6), SHAPE)


@pytest.fixture
def scene(memory_store: StoreURL, monkeypatch: pytest.MonkeyPatch) -> Scene:
    in_small_pieces(monkeypatch)
    in_small_builds(monkeypatch)
    return new_scene(memory_store)


def test_a_merge_that_began_before_gives_way(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever step of the merge the job begins at: its segment replaces what it should."""
    steps = watch(monkeypatch)

    def many_segments() -> None:
        scene.compact()
        for number in range(3):
            job = BulkJob(scene)
            job.step()  # So that nothing is merged yet.
            scene.write(FIRST, number % 3)
            scene.compact()
            job.give_up()

    many_segments()
    count, number = steps.run(scene.compact, {}), 0
    while number < count:
        many_segments()
        scene.write(LAST, number % 3)
        job = BulkJob(scene)
        count = steps.run(scene.compact, {number: job.step})
        if not job.done:
            job.step()
        scene.check()
        scene.write_foreign(FIRST, 1 + number % 3)
        job.finish()
        scene.check()
        number += 5 if EXAMPLES else 19
    assert number > 19


def _some(count: int, apart: int, seed: int) -> range:
    """Return steps that are far apart; in CI more of them."""
    apart = 7 if EXAMPLES else apart
    return range(seed % apart, count, apart)


KILLS = ("kill before", "kill after")


@pytest.mark.parametrize("kill", KILLS)
@pytest.mark.parametrize("kind", ["first", "again"])
def test_killed_at_every_step(
    memory_store: StoreURL, monkeypatch: pytest.MonkeyPatch, kill: str, kind: str
) -> None:
    in_small_builds(monkeypatch)
    steps = watch(monkeypatch)

    def made(number: int) -> BulkJob:
        scene = new_scene(memory_store / uuid4().hex, seed=number)
        if kind == "again":
            scene.compact()
            scene.write_foreign(FIRST, 3)
        return BulkJob(scene, 2)

    count = steps.run(made(0).finish, {})
    assert count > 60
    for number in _some(count, 31, len(kind + kill)):
        job = made(number)
        steps.run(job.finish, {number: kill})  # type: ignore[dict-item]  # A word of `Fault`.
        if kind == "first":
            job.scene.check()  # What a job left half done is never believed.
        job.scene.write(LAST, number % 3)
        job.resume()
        assert list(store.walk(building_url(job.scene.index))) == []
        assert all(marker.cell for marker in list_markers(job.scene.index))
        job.scene.check()


@pytest.mark.parametrize("kind", ["write", "foreign", "compact", "job", "audit", "clear"])
def test_joined_at_every_step(
    memory_store: StoreURL, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    in_small_builds(monkeypatch)
    steps = watch(monkeypatch)

    def other(scene: Scene, number: int) -> Callable[[], None]:
        if kind == "job":
            return BulkJob(scene, 1).finish
        if kind == "clear":
            return lambda: _take_for_dead(scene)
        acts: dict[str, Callable[[], None]] = {
            "write": partial(scene.write, FIRST, 1 + number % 3),
            "foreign": partial(scene.write_foreign, LAST, 1 + number % 3),
            "compact": scene.compact,
            "audit": scene.audit,
        }
        return acts[kind]

    def made(number: int) -> BulkJob:
        scene = new_scene(memory_store / uuid4().hex, seed=number)
        scene.compact()
        scene.write(FIRST, 1)
        return BulkJob(scene, 2)

    count = steps.run(made(0).finish, {})
    for number in _some(count, 37, len(kind)):
        job = made(number)
        act = partial(finish_or_begin_anew, job)
        steps.run(act, {number: other(job.scene, number)})
        if kind == "foreign":
            job.scene.audit()
        job.scene.check()
        job.scene.compact()
        job.scene.check()


def _take_for_dead(scene: Scene) -> None:
    audit(scene.opened, bulk_age_s=-60)
    scene.compact()


BOXES = st.sampled_from([FIRST, LAST, Box((2, 0, 0), (6, 7, 5)), Box((0, 5, 0), SHAPE)])
EVENTS = st.one_of(
    st.tuples(st.just("write"), BOXES, st.sampled_from([0, *labels_of(np.dtype(np.uint64))])),
    st.tuples(st.just("foreign"), BOXES, st.sampled_from([0, *labels_of(np.dtype(np.uint64))])),
    st.tuples(st.just("step"), st.integers(0, 1), st.integers(1, 4)),
    st.tuples(st.just("kill"), st.integers(0, 1), st.integers(0, 12)),
    st.tuples(st.just("again"), st.integers(0, 1), st.integers(0, 20)),
    st.tuples(st.sampled_from(["compact", "sweep", "audit", "dead", "give up"])),
)


@settings(max_examples=min(EXAMPLES, 30) or 3)
@given(events=st.lists(EVENTS, min_size=5, max_size=14), seed=st.integers(0, 99))
def test_any_interleaving(
    memory_store: StoreURL, events: list[tuple[object, ...]], seed: int
) -> None:
    """Writes, kills, zombies, compactions, audits and two jobs: brute force after each event."""
    with pytest.MonkeyPatch.context() as patch:
        in_small_pieces(patch)
        in_small_builds(patch)
        history = _History(new_scene(memory_store / f"{seed}", seed), patch)
        for event in events:
            history.happens(event)
        history.ends()
    store.delete_tree(memory_store / f"{seed}")


class _History:
    """A scene with two jobs; what is foreign is audited before it is asked for."""

    def __init__(self, scene: Scene, patch: pytest.MonkeyPatch) -> None:
        self.scene, self.patch, self.steps = scene, patch, watch(patch)
        self.jobs = [BulkJob(scene, 2), BulkJob(scene, 1)]

    def happens(self, event: tuple[object, ...]) -> None:
        match event:
            case ("write", Box() as box, int(label)):
                self.scene.write(box, label)
            case ("foreign", Box() as box, int(label)):
                self.scene.write_foreign(box, label)
                self.scene.audit()
            case ("step", int(which), int(times)):
                for _ in range(times):
                    self._do(which, lambda job: job.step())
            case ("kill", int(which), int(number)):
                self._do(which, lambda job: self.steps.run(job.step, {number: "kill after"}))
            case ("again", int(which), int(number)):
                # A task that was taken for lost: it may come to its end at any time.
                job = self.jobs[which]
                self._do(which, lambda _: job.tasks[min(number, max(job.done - 1, 0))]())
            case (str(word),):
                self._maintain(word)
        self.scene.check()

    def ends(self) -> None:
        for job in self.jobs:
            if not job.ended:
                finish_or_begin_anew(job)
            self.scene.check()
        self.scene.compact()
        self.scene.check()
        assert list_markers(self.scene.index) == []

    def _maintain(self, word: str) -> None:
        if word == "give up":
            self.jobs[0].give_up()
            self.jobs[0] = BulkJob(self.scene, 2)
        acts = {"compact": self.scene.compact, "audit": self.scene.audit}
        acts["dead"] = partial(_take_for_dead, self.scene)
        acts["sweep"] = partial(sweeping_at_once, self.patch, self.scene.compact)
        acts.get(word, lambda: None)()

    def _do(self, which: int, act: Callable[[BulkJob], object]) -> None:
        job = self.jobs[which]
        if job.ended:
            job = self.jobs[which] = BulkJob(self.scene, job.fragments)
        try:
            act(job)
        except (ConflictError, ObjectNotFoundError):
            # Its mark was cleared, or it began before the task that needs what is not there.
            job.give_up()
