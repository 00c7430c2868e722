"""The protocol, step by step: others come in, or the process is killed, at each of its steps.

Each way of breaking the protocol is applied, and must be seen by the check that holds it.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from tests.ngff.label_index.answers import check_rows
from tests.ngff.label_index.scenes import in_small_pieces, merge_above, new_scene
from tests.ngff.label_index.steps import Steps, watch

from voxlake.ngff.box import Box
from voxlake.ngff.label_index import compaction, manifest, publishing, view, writing
from voxlake.ngff.label_index.marker import Marker, list_markers, open_marker
from voxlake.ngff.label_index.trust import read_sidecar
from voxlake.platform import store

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.ngff.label_index.scenes import Scene
    from tests.ngff.label_index.steps import Fault

    from voxlake.ngff.label_index.rows import Rows
    from voxlake.ngff.label_index.run_rows import RunRows
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL

    type Check = Callable[["Stage"], None]

ONE = Box((0, 0, 0), (3, 3, 3))
"""Of one shard."""
TWO = Box((1, 1, 5), (3, 3, 10))
"""Of two shards, the first of them that of `ONE`."""


EVERY = 1 if "VOXLAKE_INDEX_EXAMPLES" in os.environ else 4
"""Of how many steps one is tried; the mutants are tried at all of them."""


class Stage:
    """Makes scenes that begin alike, one for each schedule."""

    def __init__(self, root: StoreURL, patch: pytest.MonkeyPatch) -> None:
        self._root, self.every = root, EVERY
        in_small_pieces(patch)
        self.steps: Steps = watch(patch)

    def scene(self) -> Scene:
        """Return a compacted scene with one more write that is not compacted."""
        scene = new_scene(self._root / uuid4().hex)
        scene.compact()
        scene.write(Box((4, 0, 0), (5, 2, 9)), 3)
        return scene

    def length(self, act: Callable[[Scene], object]) -> int:
        """Return the steps of `act` when nothing happens meanwhile."""
        scene = self.scene()
        return self.steps.run(lambda: act(scene), {})

    def each(self, act: Callable[[Scene], object], fault: Callable[[Scene], Fault]) -> None:
        """Do `act` once for each of its steps, with a fault at that step, and check the end."""
        for number in range(0, self.length(act), self.every):
            scene = self.scene()
            self.steps.run(partial(act, scene), {number: fault(scene)})
            scene.check()


def write_killed(stage: Stage) -> None:
    stage.each(lambda scene: scene.write(TWO, 2), lambda _: "kill before")
    stage.each(lambda scene: scene.write(TWO, 0), lambda _: "kill after")


def write_among_compactions(stage: Stage) -> None:
    stage.each(lambda scene: scene.write(TWO, 2), lambda scene: scene.compact)


def write_among_compactions_killed(stage: Stage) -> None:
    length = stage.length(lambda scene: scene.write(ONE, 2))
    for number in range(length):
        for later in range(number + 1, length):
            scene = stage.scene()
            faults: dict[int, Fault] = {number: scene.compact, later: "kill before"}
            stage.steps.run(partial(scene.write, ONE, 2), faults)
            scene.check()


def compaction_killed(stage: Stage) -> None:
    stage.each(lambda scene: scene.compact(), lambda _: "kill before")
    stage.each(lambda scene: scene.compact(), lambda _: "kill after")


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
        answers: list[RunRows] = []
        before = scene.voxels()
        faults: dict[int, Fault] = {number: others(scene)}
        stage.steps.run(partial(_keep_answer, scene, answers), faults)
        check_rows(scene.volume, answers[0], [before, scene.voxels()])


def _keep_answer(scene: Scene, answers: list[RunRows]) -> None:
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


CHECKS = (
    write_killed,
    write_among_compactions,
    write_among_compactions_killed,
    compaction_killed,
    compaction_among_others,
    compaction_followed,
    compaction_that_sleeps,
    query_among_compactions,
    query_among_writes,
    foreign_writes_audited,
    audit_among_others,
)


@pytest.fixture
def stage(memory_store: StoreURL, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """Scenes in memory whose steps are watched."""
    return Stage(memory_store, monkeypatch)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_every_step_may_be_the_last_or_be_joined(stage: Stage, check: Check) -> None:
    check(stage)


def marker_after_the_shard(patch: pytest.MonkeyPatch) -> None:
    late: list[tuple[StoreURL, tuple[int, ...], str]] = []

    def promise(index_url: StoreURL, cell: tuple[int, ...], by: str) -> Marker:
        late.append((index_url, cell, by))
        return Marker(index_url / "dirty" / "promised", cell, "promised")

    def write_and_mark(volume: Volume, box: Box, voxels: Any, markers: list[Marker]) -> None:
        volume.write(box, voxels).result()
        markers[:] = [open_marker(*each) for each in late[-len(markers) :]]

    patch.setattr(writing, "open_marker", promise)
    patch.setattr(writing, "_write", write_and_mark)


def manifest_before_the_list(patch: pytest.MonkeyPatch) -> None:
    in_order = view.in_force

    def wrong_order(volume: Volume, index_url: StoreURL) -> view.View:
        newest = manifest.newest_manifest(index_url)
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(view, "newest_manifest", lambda _: newest)
            return in_order(volume, index_url)

    patch.setattr(view, "in_force", wrong_order)


def no_etag_check(patch: pytest.MonkeyPatch) -> None:
    def believe(_: Volume, index_url: StoreURL, cell: tuple[int, ...], __: str) -> Rows | None:
        sidecar = read_sidecar(index_url, cell)
        return sidecar.rows if sidecar else None

    patch.setattr(view, "trusted_rows", believe)
    patch.setattr(compaction, "trusted_rows", believe)


def open_markers_consumed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(compaction, "_done", lambda markers: [one for one in markers if one.cell])


def no_create_if_absent(patch: pytest.MonkeyPatch) -> None:
    def overwrite(url: StoreURL, body: bytes) -> str:
        return store.write(url, body)

    patch.setattr(store, "create", overwrite)


def markers_deleted_before_the_manifest(patch: pytest.MonkeyPatch) -> None:
    publish = publishing.publish

    def delete_first(volume: Volume, index_url: StoreURL, *rest: Any) -> Any:
        for marker in compaction._done(list_markers(index_url)):
            store.delete(marker.url)
        return publish(volume, index_url, *rest)

    patch.setattr(compaction, "publish", delete_first)


MUTANTS = (
    (marker_after_the_shard, write_killed),
    (manifest_before_the_list, query_among_compactions),
    (no_etag_check, foreign_writes_audited),
    (open_markers_consumed, write_among_compactions_killed),
    (no_create_if_absent, compaction_followed),
    (markers_deleted_before_the_manifest, compaction_killed),
)


@pytest.mark.parametrize(("mutant", "check"), MUTANTS, ids=lambda each: each.__name__)
def test_a_broken_protocol_is_seen(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, mutant: Callable[..., None], check: Check
) -> None:
    mutant(monkeypatch)
    stage.every = 1
    with pytest.raises(AssertionError):
        check(stage)
