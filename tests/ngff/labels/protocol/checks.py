"""Checks of the protocol: others come in, or the process is killed, at each of its steps."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from tests.ngff.labels.answers import check_rows
from tests.ngff.labels.protocol.turns import side_by_side
from tests.ngff.labels.samples import new_volume
from tests.ngff.labels.scenes import Scene, in_small_pieces, merge_above, new_scene, same_scene
from tests.ngff.labels.steps import Steps, watch

from voxlake.ngff.grid.box import Box
from voxlake.ngff.labels.sidecars.sidecar import sidecar_url
from voxlake.ngff.labels.upkeep.compaction import sweep_segments
from voxlake.ngff.versioned.numbered import numbers
from voxlake.platform import store

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.ngff.labels.steps import Fault

    from voxlake.ngff.labels.segments.rows import SegmentRows
    from voxlake.platform.store import StoreURL

    type Check = Callable[["Stage"], None]

ONE = Box((0, 0, 0), (3, 3, 3))
"""Of one shard."""
TWO = Box((1, 1, 5), (3, 3, 10))
"""Of two shards, the first of them that of `ONE`."""


EVERY = 1 if "VOXLAKE_INDEX_EXAMPLES" in os.environ else 7
"""Of how many steps one is tried; the mutants are tried at all of them."""


class Stage:
    """Makes scenes that begin alike, one for each schedule."""

    def __init__(self, root: StoreURL, patch: pytest.MonkeyPatch) -> None:
        self.root, self.every = root, EVERY
        self._first: Scene | None = None
        in_small_pieces(patch)
        self.steps: Steps = watch(patch)

    def scene(self) -> Scene:
        """Return a compacted scene with one more write that is not compacted."""
        if self._first is None:
            self._first = new_scene(self.root / uuid4().hex)
            self._first.compact()
            self._first.write(Box((4, 0, 0), (5, 2, 9)), 3)
        return same_scene(self._first, self.root / uuid4().hex)

    def length(self, act: Callable[[Scene], object]) -> int:
        """Return the steps of `act` when nothing happens meanwhile."""
        scene = self.scene()
        return self.steps.run(lambda: act(scene), {})

    def each(self, act: Callable[[Scene], object], fault: Callable[[Scene], Fault]) -> None:
        """Do `act` once for each of its steps, with a fault at that step, and check the end."""
        for number in range(0, self.length(act), self.every):
            scene = self.scene()
            self.steps.run(partial(act, scene), {number: fault(scene)})
            scene.check(number, quick=True)


def write_killed(stage: Stage) -> None:
    stage.each(lambda scene: scene.write(TWO, 2), lambda _: "kill before")
    stage.each(lambda scene: scene.write(TWO, 0), lambda _: "kill after")


def write_among_compactions(stage: Stage) -> None:
    stage.each(lambda scene: scene.write(TWO, 2), lambda scene: scene.compact)


def write_among_compactions_killed(stage: Stage) -> None:
    length = stage.length(lambda scene: scene.write(ONE, 2))
    for number in range(length):
        for later in range(number + 1, length, min(stage.every, 3)):
            scene = stage.scene()
            faults: dict[int, Fault] = {number: scene.compact, later: "kill before"}
            stage.steps.run(partial(scene.write, ONE, 2), faults)
            scene.check()


def compaction_killed(stage: Stage) -> None:
    stage.each(lambda scene: scene.compact(), lambda _: "kill before")
    stage.each(lambda scene: scene.compact(), lambda _: "kill after")


def compaction_among_writes(stage: Stage) -> None:
    stage.each(lambda scene: scene.compact(), lambda scene: partial(scene.write, ONE, 2))


def compaction_among_sweeps(stage: Stage) -> None:
    stage.each(lambda scene: scene.compact(), _sweeping)


def _sweeping(scene: Scene) -> Callable[[], None]:
    def act() -> None:
        sweep_segments(scene.index)

    return act


def compaction_among_others(stage: Stage) -> None:
    def write_and_compact(scene: Scene) -> Callable[[], None]:
        def act() -> None:
            scene.write(ONE, 2)
            scene.compact()

        return act

    stage.each(lambda scene: scene.compact(), write_and_compact)


def compaction_followed(stage: Stage) -> None:
    """Others write and compact upon what it has put in force, before it knows; none merges."""
    with pytest.MonkeyPatch.context() as patch:
        merge_above(patch, 99)
        compaction_among_others(stage)


def compaction_that_sleeps(stage: Stage) -> None:
    """Others write, compact and sweep so often that the number it would create is free again."""

    def write_and_compact_often(scene: Scene) -> Callable[[], None]:
        def act() -> None:
            for label in (2, 1, 0):
                scene.write(ONE, label)
                scene.compact()

        return act

    stage.each(lambda scene: scene.compact(), write_and_compact_often)


def compaction_that_was_overtaken(stage: Stage) -> None:
    """While one sleeps before it creates a manifest, its number is created by another, and swept.

    It knows of a write that the other one did not: if it took itself for the one that succeeded,
    it would delete the marker of a shard that no segment in force tells of.
    """
    scene = stage.scene()
    with pytest.MonkeyPatch.context() as patch:
        merge_above(patch, 0)
        with side_by_side(stage.steps, [scene.compact, scene.compact]) as (other, sleeper):
            other.go_before("create")
            scene.write(ONE, 2)
            sleeper.go_before("create")
            other.finish()
            assert numbers(scene.index / "manifest") == [3]
            sleeper.finish()
    scene.check()


def write_among_writes(stage: Stage) -> None:
    stage.each(lambda scene: scene.write(ONE, 2), lambda scene: partial(scene.write, ONE, 1))


def query_among_compactions(stage: Stage) -> None:
    ask_among(stage, lambda scene: scene.compact)


def query_among_writes(stage: Stage) -> None:
    def write_and_compact(scene: Scene) -> Callable[[], None]:
        def act() -> None:
            scene.write(TWO, 2)
            scene.compact()

        return act

    ask_among(stage, write_and_compact)


def ask_among(stage: Stage, others: Callable[[Scene], Callable[[], None]]) -> None:
    """Demand that each shard is told of as it was before or after what others did."""
    for number in range(stage.length(lambda scene: scene.ask())):
        scene = stage.scene()
        answers: list[SegmentRows] = []
        before = scene.voxels()
        faults: dict[int, Fault] = {number: others(scene)}
        stage.steps.run(partial(_keep_answer, scene, answers), faults)
        check_rows(scene.volume, answers[0], [before, scene.voxels()])


def _keep_answer(scene: Scene, answers: list[SegmentRows]) -> None:
    answers.append(scene.ask())


def foreign_writes_audited(stage: Stage) -> None:
    scene = stage.scene()
    scene.write_foreign(TWO, 0)
    scene.audit()
    scene.check()
    scene.compact()
    scene.check()


def audit_among_others(stage: Stage) -> None:
    def act(scene: Scene) -> None:
        scene.write_foreign(TWO, 1)
        scene.audit()

    stage.each(act, lambda scene: scene.compact)


def sidecars_in_the_wrong_place(stage: Stage) -> None:
    """A copy of a shard may have its ETag, as of S3 or a hard link; its boxes are elsewhere."""
    url = stage.root / uuid4().hex
    scene = Scene(new_volume(url / "labels", (4, 4, 16), (2, 4, 4), (4, 4, 8)), url / "index")
    scene.write(Box((0, 0, 0), (2, 2, 7)), 2)
    scene.volume.shard_url((0, 0, 1)).path.hardlink_to(scene.volume.shard_url((0, 0, 0)).path)
    sidecar = store.read(sidecar_url(scene.index, (0, 0, 0))).body
    store.write(sidecar_url(scene.index, (0, 0, 1)), sidecar)
    scene.check()
    scene.compact()
    scene.check()


CHECKS = (
    write_killed,
    write_among_compactions,
    write_among_compactions_killed,
    compaction_killed,
    compaction_among_writes,
    compaction_among_sweeps,
    compaction_among_others,
    compaction_followed,
    compaction_that_sleeps,
    compaction_that_was_overtaken,
    write_among_writes,
    query_among_compactions,
    query_among_writes,
    foreign_writes_audited,
    audit_among_others,
    sidecars_in_the_wrong_place,
)
