"""Any history of writes, kills, compactions, foreign writes and audits: queries are brute force.

Other ones are tried in each run; ``VOXLAKE_SEED`` replays those of one. ``VOXLAKE_HISTORIES`` sets
how many of 75 steps are tried, 24 in CI; few short ones without.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import TYPE_CHECKING, ClassVar
from uuid import uuid4

import pytest
from hypothesis import seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from tests.ngff.labels.answers import check_rows
from tests.ngff.labels.bulk_jobs import BulkJob, in_small_builds
from tests.ngff.labels.protocol.turns import taking_turns
from tests.ngff.labels.scenes import (
    LARGE_SHARD,
    SHAPE,
    in_small_pieces,
    merge_above,
    new_scene,
    sweeping_at_once,
)
from tests.ngff.labels.steps import watch

from voxlake.ngff.grid.box import Box
from voxlake.ngff.labels.label_id import MAX_LABEL
from voxlake.ngff.labels.upkeep.reservation import reserve
from voxlake.platform.errors import ConflictError, LimitExceededError, ObjectNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.ngff.labels.scenes import Scene
    from tests.ngff.labels.steps import Fault, Steps

    from voxlake.ngff.labels.segments.rows import SegmentRows
    from voxlake.platform.store import StoreURL

HISTORIES = int(os.environ.get("VOXLAKE_HISTORIES", "0"))

EXAMPLES = 1 + (HISTORIES // 8 or 2)
"""Histories of one test: the first of them is always the same, the shortest."""

EIGHTHS = {"memory_store": 5, "lake": 2, "s3_store": 1}
"""How many of the histories are on each kind of store: fewer on the slower ones."""
PARTS = [
    (kind, part) for kind, eighths in EIGHTHS.items() for part in range(eighths if HISTORIES else 1)
]


@dataclass(frozen=True)
class Act:
    """Something that a process does; `box` and `label` mean something to writes alone."""

    kind: str
    box: Box
    label: int
    """Number of the label among those of the scene, or 0 for the background: an erasure."""

    def on(self, scene: Scene) -> Callable[[], None]:
        """Return what does it."""
        if self.kind == "write":
            return partial(scene.write, self.box, (0, *scene.labels)[self.label])
        acts = {"compact": scene.compact, "merge": scene.merge, "audit": scene.audit}
        acts["bulk"] = partial(_build_in_bulk, scene)
        return acts[self.kind]


def _build_in_bulk(scene: Scene) -> None:
    job = BulkJob(scene, fragments=1)
    try:
        job.finish()
    except ConflictError:
        job.give_up()


def _box(ends: list[tuple[int, int]]) -> Box:
    return Box(tuple(min(pair) for pair in ends), tuple(max(pair) + 1 for pair in ends))


BOXES = st.tuples(*(st.tuples(*[st.integers(0, n - 1)] * 2) for n in SHAPE)).map(
    lambda ends: _box(list(ends))
)
WRITTEN = st.sampled_from([0, 0, 1, 2, 3, 4, 5])
KINDS = st.sampled_from([*["write"] * 4, *["compact"] * 3, "merge", "audit", "bulk"])
ACTS = st.builds(Act, KINDS, BOXES, WRITTEN)
STEP_NUMBERS = st.integers(0, 40)
KILLS = st.sampled_from(["kill before", "kill after"])
DTYPES = st.sampled_from(["uint8", "uint16", "uint32", "uint64", "uint64"])


class Histories(RuleBasedStateMachine):
    """One history; where it takes place is filled in by `machine_on`."""

    root: ClassVar[StoreURL]
    patch: ClassVar[pytest.MonkeyPatch]
    steps: ClassVar[Steps]

    def __init__(self) -> None:
        super().__init__()
        self.reserved = self.turn = 0

    @initialize(dtype=DTYPES, seed=st.integers(0, 9), deltas=st.sampled_from([0, 2, 99]))
    def begin(self, dtype: str, seed: int, deltas: int) -> None:
        merge_above(self.patch, deltas)
        self.scene = new_scene(self.root / uuid4().hex, seed, dtype, LARGE_SHARD)
        self.job = BulkJob(self.scene, fragments=2)

    @rule(act=ACTS)
    def do(self, act: Act) -> None:
        act.on(self.scene)()

    @rule(act=ACTS, number=STEP_NUMBERS, kill=KILLS)
    def be_killed(self, act: Act, number: int, kill: Fault) -> None:
        self.steps.run(act.on(self.scene), {number: kill})

    @rule(act=ACTS, number=STEP_NUMBERS, kill=KILLS)
    def be_killed_and_try_again(self, act: Act, number: int, kill: Fault) -> None:
        self.steps.run(act.on(self.scene), {number: kill})
        act.on(self.scene)()

    @rule(act=ACTS, other=ACTS, third=ACTS, numbers=st.tuples(STEP_NUMBERS, STEP_NUMBERS))
    def be_joined(self, act: Act, other: Act, third: Act, numbers: tuple[int, int]) -> None:
        others = (other.on(self.scene), third.on(self.scene))
        self.steps.run(act.on(self.scene), dict(zip(numbers, others, strict=True)))

    @rule(act=ACTS, other=ACTS, numbers=st.tuples(STEP_NUMBERS, STEP_NUMBERS), kill=KILLS)
    def be_joined_and_killed(
        self, act: Act, other: Act, numbers: tuple[int, int], kill: Fault
    ) -> None:
        first, last = sorted(numbers)
        self.steps.run(act.on(self.scene), {first: other.on(self.scene), last: kill})

    @rule(acts=st.lists(ACTS, min_size=2, max_size=3), seed=st.integers(0, 1 << 20))
    def go_side_by_side(self, acts: list[Act], seed: int) -> None:
        """Processes take turns, a step of each in any order; some are killed."""
        several = [act.on(self.scene) for act in acts]
        for _ in taking_turns(self.steps, several, Random(seed), killed=0.02):
            pass

    @rule(act=ACTS, number=STEP_NUMBERS)
    def ask_while(self, act: Act, number: int) -> None:
        answers: list[SegmentRows] = []
        before = self.scene.voxels()
        self.steps.run(lambda: answers.append(self.scene.ask()), {number: act.on(self.scene)})
        check_rows(self.scene.volume, answers[0], [before, self.scene.voxels()])

    @rule(box=BOXES, label=WRITTEN)
    def write_past_the_index(self, box: Box, label: int) -> None:
        self.scene.write_foreign(box, (0, *self.scene.labels)[label])
        self.scene.audit()

    @rule(times=st.integers(1, 4))
    def go_on_with_a_bulk_job(self, times: int) -> None:
        for _ in range(times):
            self._do_task(BulkJob.step)

    @rule(number=st.integers(0, 12), kill=KILLS)
    def be_killed_in_a_bulk_job(self, number: int, kill: Fault) -> None:
        self._do_task(lambda job: self.steps.run(job.step, {number: kill}))

    @rule(task=st.integers(0, 7))
    def do_a_task_again(self, task: int) -> None:
        """One that was taken for lost may come to its end at any time."""
        self._do_task(lambda job: job.tasks[min(task, max(job.done - 1, 0))]())

    def _do_task(self, task: Callable[[BulkJob], object]) -> None:
        if self.job.ended:
            self.job = BulkJob(self.scene, fragments=2)
        try:
            task(self.job)
        except (ConflictError, ObjectNotFoundError):
            # It began before the task that makes what it needs.
            self.job.give_up()

    @rule()
    def give_a_bulk_job_up(self) -> None:
        self.job.give_up()

    @rule()
    def take_all_writers_for_dead(self) -> None:
        self.scene.close_all()

    @rule()
    def sweep(self) -> None:
        sweeping_at_once(self.patch, self.scene.compact)

    @rule(count=st.integers(1, 5), number=STEP_NUMBERS, kill=KILLS)
    def reserve_after_a_kill(self, count: int, number: int, kill: Fault) -> None:
        ask = partial(reserve, self.scene.opened, count)
        try:
            self.steps.run(ask, {number: kill})
            found = ask()
        except LimitExceededError:
            # Segments may tell of the largest id after its last voxel was overwritten.
            assert max(self.scene.labels) == MAX_LABEL
            return
        assert len(found) == count
        assert found.start > max(self.reserved, self.scene.voxels().max())
        self.reserved = found.stop - 1

    @invariant()
    def every_query_is_brute_force(self) -> None:
        self.turn += 1
        self.scene.check(self.turn, quick=True)


def machine_on(root: StoreURL, patch: pytest.MonkeyPatch) -> type[Histories]:
    """Return the machine of histories that take place below `root`."""
    in_small_pieces(patch)
    in_small_builds(patch)
    return type("Here", (Histories,), {"root": root, "patch": patch, "steps": watch(patch)})


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("kind", "part"), PARTS)
def test_any_history(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, kind: str, part: int
) -> None:
    machine = machine_on(request.getfixturevalue(kind), monkeypatch)
    # Of one seed, all parts would see the same histories.
    apart = seed(f"{request.config.option.hypothesis_seed} {kind} {part}")
    tried = settings(max_examples=EXAMPLES, stateful_step_count=75 if HISTORIES else 10)
    run_state_machine_as_test(apart(machine), settings=tried)
