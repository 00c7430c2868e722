"""A mapping after any merges, cleaves, imports, snapshots and crashes equals brute force."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from tests.ngff.labels.objects.steps import Crash, before_step, crash
from tests.servers.faulty import losing_answers

from voxlake.ngff.labels.mapping.changes import cleave, import_mapping, merge, snapshot
from voxlake.ngff.labels.mapping.log import Cleave, Merge, Replace, read_entry
from voxlake.ngff.labels.mapping.mapping import (
    Mapping,
    apply,
    bodies_of,
    merged_bodies,
    open_mapping,
    refresh,
    remap,
    supervoxels_of,
)
from voxlake.ngff.labels.mapping.table import snapshot_url
from voxlake.ngff.labels.mapping.undoing import undo
from voxlake.ngff.labels.scan.rows import Rows
from voxlake.ngff.labels.segments.rows import rows_of_shard, table_of_rows
from voxlake.ngff.labels.table import UNKNOWN, LabelTable, merge_tables
from voxlake.ngff.versioned.numbered import numbers
from voxlake.platform import store
from voxlake.platform.errors import (
    ConflictError,
    CorruptDataError,
    InvalidInputError,
    NotFoundError,
)
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

EXAMPLES = int(os.environ.get("VOXLAKE_INDEX_EXAMPLES", "5"))

SUPERVOXELS = [1, 2, 3, 4, 5, 6, 255, 1 << 32, (1 << 53) + 1, 1 << 63, (1 << 64) - 1]
_FRESH = 1 << 40

type Known = dict[int, int]


@pytest.fixture(params=["lake", "s3_store"])
def place(request: pytest.FixtureRequest) -> StoreURL:
    found: StoreURL = request.getfixturevalue(request.param)
    return found


def voxels_of(seed: int) -> npt.NDArray[np.uint64]:
    rng = np.random.default_rng(seed)
    return rng.choice(np.array([0, *SUPERVOXELS], np.uint64), (5, 6, 7))


def brute_bodies(known: Known) -> list[list[int]]:
    """Return the labels of each body of several; a number that nobody mapped is of its own."""
    found: dict[int, list[int]] = {body: [] for body in sorted(known.values())}
    for label in sorted({0, *known, *known.values()}):
        found.setdefault(known.get(label, label), []).append(label)
    return [
        sorted(labels, key=body.__ne__) for body, labels in sorted(found.items()) if len(labels) > 1
    ]


def brute(known: Known, voxels: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    return np.array(
        [known.get(int(voxel), int(voxel)) for voxel in voxels.ravel()], np.uint64
    ).reshape(voxels.shape)


def table_of(voxels: npt.NDArray[np.uint64]) -> LabelTable:
    """Return the labels of voxels: one shard of one chunk, by brute force."""
    labels = np.unique(voxels[voxels != 0])
    places = [np.argwhere(voxels == label) for label in labels]
    rows = Rows(
        labels,
        np.zeros(len(labels), np.uint16),
        np.array([len(where) for where in places], np.uint64),
        np.array([where.min(axis=0) for where in places], np.int64).reshape(-1, 3),
        np.array([where.max(axis=0) + 1 for where in places], np.int64).reshape(-1, 3),
    )
    return table_of_rows(rows_of_shard(rows, 0))


def owned(known: Known, body: int) -> set[int]:
    """Return all numbers that belong to a body, whether voxels have them or not."""
    return {
        label for label in {body, *known, *known.values()} - {0} if known.get(label, label) == body
    }


def check(mapping: Mapping, known: Known) -> None:
    """Compare every question about the mapping with brute force."""
    voxels = voxels_of(len(known))
    bodies = brute(known, voxels)
    np.testing.assert_array_equal(apply(mapping, voxels), bodies)
    np.testing.assert_array_equal(bodies_of(mapping, voxels), bodies)
    for body in {known.get(label, label) for label in SUPERVOXELS} - {0}:
        members = [label for label in SUPERVOXELS if known.get(label, label) == body]
        found = [int(label) for label in supervoxels_of(mapping, body)]
        assert [label for label in found if label in SUPERVOXELS] == members
    found_table, expected = remap(mapping, table_of(voxels)), table_of(bodies)
    for name in ("labels", "voxels", "start", "stop"):
        np.testing.assert_array_equal(getattr(found_table, name), getattr(expected, name))
    present = np.unique(voxels[voxels != 0])
    owners = brute(known, present).tolist()
    members_of = [owners.count(int(body)) for body in found_table.labels]
    assert found_table.chunks.tolist() == [1 if n == 1 else UNKNOWN for n in members_of]


class Merges(RuleBasedStateMachine):
    """A mapping on a store beside a dictionary of it, for every number it ever had."""

    @initialize()
    def begin(self) -> None:
        self.index = StoreURL.parse(f"memory://test-{uuid4().hex}")
        self.index.path.mkdir()
        self.history: list[Known] = [{}]
        self.held = open_mapping(self.index)
        self.fresh = _FRESH

    @property
    def known(self) -> Known:
        return self.history[-1]

    def body(self, label: int) -> int:
        return self.known.get(label, label)

    def members(self, body: int) -> list[int]:
        return [label for label in SUPERVOXELS if self.body(label) == body]

    def after_merge(self, bodies: list[int]) -> Known:
        moved = [label for body in bodies for label in self.members(body)]
        # The number of a body is a supervoxel of it, too, unless that was mapped elsewhere.
        own = [body for body in bodies[1:] if body not in self.known]
        return self.known | dict.fromkeys([*moved, *own], bodies[0])

    def _perhaps(self, step: int, call: Callable[[], object], after: Known) -> None:
        """Do it and crash at a step, or come through: the change is there whole or not at all."""
        with before_step(step, crash):
            try:
                call()
            except Crash:
                if open_mapping(self.index).number == len(self.history) - 1:
                    return
        self.history.append(after)

    @rule(
        labels=st.lists(st.sampled_from(SUPERVOXELS), min_size=2, max_size=4),
        step=st.sampled_from([0, 1, 2, 3, 5, 999]),
    )
    def merge(self, labels: list[int], step: int) -> None:
        bodies = list(dict.fromkeys(self.body(label) for label in labels))
        if 0 in bodies or len(bodies) < 2:
            return
        after = self.after_merge(bodies)
        self._perhaps(step, lambda: merge(self.index, bodies), after)

    @rule(
        label=st.sampled_from(SUPERVOXELS),
        count=st.integers(1, 4),
        own=st.booleans(),
        step=st.sampled_from([0, 1, 2, 3, 5, 999]),
    )
    def cleave(self, label: int, count: int, own: bool, step: int) -> None:
        body = self.body(label)
        if body == 0:
            return
        chosen = self.members(body)[:count]
        others = {self.body(other) for other in SUPERVOXELS if other not in chosen}
        others |= {b for sv, b in self.known.items() if sv not in chosen}
        free = [other for other in sorted(chosen) if other not in others]
        self.fresh += 1
        into = self.fresh if own or not free else None
        after = self.known | dict.fromkeys(chosen, free[0] if into is None else into)
        self._perhaps(step, lambda: cleave(self.index, body, chosen, into), after)

    @rule(
        known=st.dictionaries(
            st.sampled_from(SUPERVOXELS), st.sampled_from([0, 7, 8, *SUPERVOXELS]), max_size=8
        ),
        step=st.sampled_from([0, 1, 2, 3, 999]),
    )
    def import_pairs(self, known: Known, step: int) -> None:
        keys = np.array(list(known), np.uint64)
        values = np.array(list(known.values()), np.uint64)
        self._perhaps(step, lambda: import_mapping(self.index, keys, values), known)

    def after_undo(self, number: int) -> Known | None:
        """Return what is so once a change is undone; None if later ones stand in the way."""
        entry = read_entry(self.index / "mapping", number)
        assert entry is not None
        before, known = self.history[number - 1], self.known
        match entry.operation:
            case Replace():
                return before if number == len(self.history) - 1 else None
            case Merge(into=into, bodies=bodies):
                parts = {label: each for each in bodies for label in owned(before, each)}
                same = all(known.get(label, label) == into for label in parts)
                free = not any(owned(known, each) - parts.keys() for each in bodies)
                return known | parts if same and free else None
            case Cleave(body=body, supervoxels=supervoxels, into=into):
                same = owned(known, into) - {into} == {*supervoxels} - {into}
                ends = known.get(body, body) in {body, into}
                moved = dict.fromkeys(owned(known, into), body)
                return known | moved if same and ends else None

    @rule(back=st.integers(1, 4), step=st.sampled_from([0, 2, 4, 6, 999]))
    def undo(self, back: int, step: int) -> None:
        number = len(self.history) - back
        if number < 1:
            return
        after = self.after_undo(number)
        if after is None:
            with pytest.raises(ConflictError, match="changed since"):
                undo(self.index, number)
            return
        self._perhaps(step, lambda: undo(self.index, number), after)

    @rule(step=st.sampled_from([0, 1, 2, 3, 999]))
    def snapshot(self, step: int) -> None:
        with before_step(step, crash):
            try:
                assert snapshot(self.index) == len(self.history) - 1
            except Crash:
                return

    @rule()
    def delete_a_snapshot(self) -> None:
        for number in numbers(self.index / "mapping" / "snapshots")[:1]:
            store.delete(snapshot_url(self.index / "mapping", number))

    @rule(data=st.data())
    def ask_as_of(self, data: st.DataObject) -> None:
        number = data.draw(st.integers(0, len(self.history) - 1))
        mapping = open_mapping(self.index, at=number)
        assert mapping.number == number
        check(mapping, self.history[number])

    @invariant()
    def reading_equals_brute_force(self) -> None:
        mapping = open_mapping(self.index)
        assert mapping.number == len(self.history) - 1
        check(mapping, self.known)
        self.held = refresh(self.index, self.held)
        assert self.held.number == mapping.number
        check(self.held, self.known)
        assert merged_bodies(mapping) == brute_bodies(self.known)

    def teardown(self) -> None:
        store.delete_tree(self.index)


def test_any_interleaving_equals_brute_force() -> None:
    run_state_machine_as_test(
        Merges, settings=settings(max_examples=EXAMPLES, stateful_step_count=20)
    )


def test_writers_at_once_lose_nothing(place: StoreURL) -> None:
    def write(writer: int) -> None:
        first = 1000 * (writer + 1)
        for number in range(1, 7):
            merge(place, [first, first + number], by=str(writer))
            if number % 3 == 0:
                snapshot(place)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    mapping = open_mapping(place)
    assert mapping.number == 24
    for writer in range(4):
        first = 1000 * (writer + 1)
        assert supervoxels_of(mapping, first).tolist() == list(range(first, first + 7))
    assert bodies_of(open_mapping(place, at=0), [1001]).tolist() == [1001]


def test_a_merge_that_comes_second_is_checked_anew(lake: StoreURL) -> None:
    """Right before it is written, another writer takes one of its bodies away."""
    for step in range(3):
        index = lake / str(step)
        with (
            before_step(step, partial(merge, index, [1, 2])),
            pytest.raises(ConflictError, match="belongs to 1"),
        ):
            merge(index, [3, 2])
        mapping = open_mapping(index)
        assert bodies_of(mapping, [2]).tolist() == [1], step
        assert mapping.number == 1


def test_without_create_if_absent_a_merge_is_lost(
    lake: StoreURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "create", store.write)
    # The first step asks for snapshots, the second for the first entry, the third writes it.
    with before_step(2, lambda: merge(lake, [1, 2])) as done:
        merge(lake, [3, 4])
    assert done[-1] == "create"
    assert bodies_of(open_mapping(lake), [2, 4]).tolist() == [2, 3]


def test_a_change_is_undone_and_done_again(lake: StoreURL) -> None:
    merge(lake, [1, 2])
    merge(lake, [1, 3, 4])
    cleave(lake, 1, [4], 9)
    with pytest.raises(ConflictError, match="body 4 or 1 was changed since"):
        undo(lake, 2)
    assert undo(lake, 3, "ann").by == "ann"
    assert undo(lake, 2).operation.kind == "replace"
    labels = [1, 2, 3, 4]
    assert bodies_of(open_mapping(lake), labels).tolist() == [1, 1, 3, 4]
    assert undo(lake, 5).operation.kind == "replace"
    assert bodies_of(open_mapping(lake), labels).tolist() == [1, 1, 1, 1]
    undone = undo(lake, 1).operation
    assert isinstance(undone, Cleave)
    assert (undone.body, undone.supervoxels, undone.into) == (1, (2,), 2)
    assert isinstance(undo(lake, 7).operation, Merge)
    assert bodies_of(open_mapping(lake), labels).tolist() == [1, 1, 1, 1]
    for number in (-1, 0, 9):
        with pytest.raises(NotFoundError, match="has no change"):
            undo(lake, number)


def test_an_undoing_that_comes_second_is_checked_anew(lake: StoreURL) -> None:
    """Right before it is written, another writer undoes the same."""
    for step in range(4):
        index = lake / str(step)
        merge(index, [1, 2])
        with before_step(step, partial(undo, index, 1)), pytest.raises(ConflictError):
            undo(index, 1)
        assert open_mapping(index).number == 2


def test_an_entry_counts_though_the_answer_was_lost(s3_store: StoreURL) -> None:
    with losing_answers(str(s3_store.endpoint), 503) as endpoint:
        index = replace(s3_store, endpoint=endpoint)
        assert merge(index, [1, 2]).number == 1
        assert merge(index, [3, 4]).number == 2
    assert open_mapping(s3_store).number == 2


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "uint64", ">u4"])
def test_voxels_of_any_width_and_layout(dtype: str) -> None:
    from voxlake.ngff.labels.mapping.table import pairs_of

    rng = np.random.default_rng(1)
    voxels = rng.integers(0, 200, (9, 8, 7)).astype(dtype)
    keys = np.arange(1, 200, 2)
    values = rng.integers(0, 1 << 62, 100)
    known = dict(zip(keys.tolist(), values.tolist(), strict=True))
    mapping = Mapping(1, pairs_of(keys, values))
    expected = brute(known, voxels.astype(np.uint64))
    for view, wanted in ((voxels, expected), (voxels.T[::-1], expected.T[::-1])):
        found = apply(mapping, view)
        assert found.dtype == np.uint64
        np.testing.assert_array_equal(found, wanted)


def test_more_labels_than_the_hash_begins_with() -> None:
    from voxlake.ngff.labels.mapping.table import pairs_of

    labels = np.random.default_rng(2).permutation(np.arange(30_000, dtype=np.uint64))
    labels *= np.uint64(0x9E3779B97F4A7C15)
    mapping = Mapping(1, pairs_of(labels[labels != 0], labels[labels != 0] ^ np.uint64(7)))
    expected = np.where(labels == 0, 0, labels ^ np.uint64(7))
    np.testing.assert_array_equal(apply(mapping, np.tile(labels, 2)), np.tile(expected, 2))


def test_bodies_in_separate_shards() -> None:
    from voxlake.ngff.labels.mapping.table import pairs_of

    voxels = voxels_of(3)
    parts = [table_of(voxels[:2]), table_of(voxels[2:])]
    both = remap(Mapping(1, pairs_of([1, 2], [9, 9])), merge_tables(parts))
    line = both.labels.tolist().index(9)
    assert both.voxels[line] == np.isin(voxels, [1, 2]).sum()
    assert both.chunks[line] == both.shards[line] == UNKNOWN
    assert both.shards[both.labels.tolist().index(3)] == 2


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda at: merge(at, [1]), InvalidInputError, "two bodies or more"),
        (lambda at: merge(at, [1, 1]), InvalidInputError, "twice"),
        (lambda at: merge(at, [0, 1]), InvalidInputError, "no labels"),
        (lambda at: merge(at, [1, 1 << 64]), InvalidInputError, "no labels"),
        (lambda at: cleave(at, 5, [6]), ConflictError, "belongs to body 6"),
        (lambda at: cleave(at, 5, []), InvalidInputError, "no labels"),
        (lambda at: cleave(at, 5, [6], 5), InvalidInputError, "into 5"),
        (lambda at: import_mapping(at, [1, 1], [2, 3]), InvalidInputError, "two bodies"),
        (lambda at: import_mapping(at, [0], [3]), InvalidInputError, "background"),
        (lambda at: import_mapping(at, [1], [3, 4]), InvalidInputError, "one for each"),
        (lambda at: import_mapping(at, [-1], [3]), InvalidInputError, "no label"),
        (lambda at: import_mapping(at, [1.5], [3]), InvalidInputError, "integers"),
        (lambda at: open_mapping(at, at=1), NotFoundError, "not yet 1"),
        (lambda at: open_mapping(at, at=-1), InvalidInputError, "no number"),
        (lambda at: supervoxels_of(open_mapping(at), 0), InvalidInputError, "no body"),
    ],
)
def test_what_is_refused(
    lake: StoreURL, call: Callable[[StoreURL], object], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        call(lake)
    assert open_mapping(lake).number == 0


def test_a_cleave_needs_a_free_number(lake: StoreURL) -> None:
    import_mapping(lake, [1, 2, 3], [1, 1, 2])
    with pytest.raises(InvalidInputError, match="into"):
        cleave(lake, 1, [2])
    with pytest.raises(ConflictError, match="2 is a body"):
        cleave(lake, 1, [2], into=2)
    assert cleave(lake, 1, [2], into=77, by="me").by == "me"
    assert bodies_of(open_mapping(lake), [1, 2, 3]).tolist() == [1, 77, 2]


def test_images_are_no_labels(lake: StoreURL) -> None:
    with pytest.raises(InvalidInputError, match="float32"):
        apply(open_mapping(lake), np.zeros(3, np.float32))


@pytest.mark.parametrize("folder", ["log", "snapshots"])
def test_damage_is_seen(lake: StoreURL, folder: str) -> None:
    import_mapping(lake, np.arange(1, 500), np.arange(501, 1000))
    snapshot(lake)
    [info] = store.walk(lake / "mapping" / folder)
    if folder == "log":
        [snapshot_info] = store.walk(lake / "mapping" / "snapshots")
        store.delete(snapshot_info.url)
    whole = store.read(info.url).body
    for place in range(0, len(whole), 97):
        damaged = bytearray(whole)
        damaged[place] ^= 0x40
        store.write(info.url, bytes(damaged))
        try:
            found = bodies_of(open_mapping(lake), np.arange(1, 500))
        except (CorruptDataError, NotFoundError):
            continue
        np.testing.assert_array_equal(found, np.arange(501, 1000))


def test_one_request_tells_that_nothing_is_new(lake: StoreURL) -> None:
    merge(lake, [1, 2])
    snapshot(lake)
    mapping = open_mapping(lake)
    with before_step(-1, crash) as done:
        assert refresh(lake, mapping) is mapping
    assert done == ["read"]
    assert isinstance(merge(lake, [1, 3]).operation, Merge)
    with before_step(-1, crash) as done:
        assert refresh(lake, mapping).number == 2
    assert done.count("read") == 3  # the entry, then two at a time that are not there
