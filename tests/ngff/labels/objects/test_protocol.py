"""Any interleaving of puts, deletions, compactions and crashes answers as a dictionary does."""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any
from unittest.mock import patch
from uuid import uuid4

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

from voxlake.ngff.labels.label_id import MAX_LABEL
from voxlake.ngff.labels.objects import manifest, writing
from voxlake.ngff.labels.objects.label_object import LabelObject, ObjectType, objects_of_table
from voxlake.ngff.labels.objects.reading import ObjectFilter, get_objects, list_objects
from voxlake.ngff.labels.objects.writing import compact_objects, delete_objects, put_objects
from voxlake.ngff.versioned import sorted_file, sweeping
from voxlake.ngff.versioned.numbered import numbers
from voxlake.platform import store
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLES = int(os.environ.get("VOXLAKE_INDEX_EXAMPLES", "5"))
EVERY = 1 if "VOXLAKE_INDEX_EXAMPLES" in os.environ else 3
"""Of how many steps one is tried."""

IDS = [1, 2, 3, 5, 8, 13, 1 << 32, (1 << 53) + 1, 1 << 63, MAX_LABEL - 1, MAX_LABEL]
_SMALL = [
    (sorted_file, "GROUP_ROWS", 2),
    (writing, "SEGMENT_ROWS", 3),
    (sweeping, "KEPT_DOCUMENTS", 2),
    (writing, "_FEW_DELTAS", 2),
    (writing, "_LARGE_PART", 1),
    (writing, "MOST_DELTAS", 5),
]

objects = st.builds(
    LabelObject,
    id=st.sampled_from(IDS),
    type=st.sampled_from(ObjectType),
    name=st.sampled_from(["", "Tm3", "Tm9", "ü\0 "]),
    status=st.sampled_from(["", "traced"]),
    confidence=st.sampled_from([None, 0.0, 0.3]),
    parent=st.sampled_from([None, 1, MAX_LABEL]),
    key_values=st.dictionaries(st.sampled_from("ab"), st.sampled_from(["", "x"])),
)


@pytest.fixture(autouse=True, name="small")
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name, value in _SMALL:
        monkeypatch.setattr(module, name, value)


@pytest.fixture(params=["lake", "s3_store"])
def place(request: pytest.FixtureRequest) -> StoreURL:
    found: StoreURL = request.getfixturevalue(request.param)
    return found


def stored(index: StoreURL) -> dict[int, LabelObject]:
    """Return all objects without their times, through pages and by id, which must agree."""
    found: list[LabelObject] = []
    after: int | None = 0
    while after is not None:
        page = list_objects(index, after=after, limit=2)
        found += objects_of_table(page.table)
        after = page.next
    assert found == objects_of_table(get_objects(index, IDS))
    assert [item.id for item in found] == sorted({item.id for item in found})
    return {item.id: without_times(item) for item in found}


def without_times(item: LabelObject) -> LabelObject:
    return item.model_copy(update={"created": None, "modified": None})


class Objects(RuleBasedStateMachine):
    """The objects on a store beside a dictionary of them."""

    @initialize()
    def begin(self) -> None:
        self.index = StoreURL.parse(f"memory://test-{uuid4().hex}")
        self.index.path.mkdir()
        self.known: dict[int, LabelObject] = {}

    @rule(given=st.lists(objects, max_size=6))
    def put(self, given: list[LabelObject]) -> None:
        put_objects(self.index, given)
        self.known |= {item.id: item for item in given}

    @rule(ids=st.lists(st.sampled_from(IDS), max_size=4))
    def delete(self, ids: list[int]) -> None:
        delete_objects(self.index, ids)
        self.known = {label: item for label, item in self.known.items() if label not in ids}

    @rule()
    def compact(self) -> None:
        compact_objects(self.index)

    @rule(given=st.lists(objects, min_size=1, max_size=4), step=st.integers(0, 30))
    def crash_while_putting(self, given: list[LabelObject], step: int) -> None:
        after = self.known | {item.id: item for item in given}
        if self._crashes(step, lambda: put_objects(self.index, given)):
            assert stored(self.index) in (self.known, after)
        else:
            assert stored(self.index) == after
        self.known = stored(self.index)

    @rule(step=st.integers(0, 30))
    def crash_while_compacting(self, step: int) -> None:
        self._crashes(step, lambda: compact_objects(self.index))

    @invariant()
    def answers_are_those_of_the_dictionary(self) -> None:
        assert stored(self.index) == self.known
        found = list_objects(
            self.index, ObjectFilter(ObjectType.NEURON, "Tm", "traced", ("a", "x"))
        ).table
        assert found["id"].to_pylist() == [
            label
            for label, item in sorted(self.known.items())
            if item.type is ObjectType.NEURON
            and item.name.startswith("Tm")
            and item.status == "traced"
            and item.key_values.get("a") == "x"
        ]

    def teardown(self) -> None:
        store.delete_tree(self.index)

    def _crashes(self, step: int, call: Callable[[], object]) -> bool:
        with before_step(step, crash):
            try:
                call()
            except Crash:
                return True
        return False


def test_any_interleaving_answers_as_a_dictionary(small: None) -> None:
    with patch.object(sweeping, "SWEEP_AGE_S", -60.0):
        run_state_machine_as_test(
            Objects, settings=settings(max_examples=EXAMPLES, stateful_step_count=15)
        )


def _busy(index: StoreURL) -> None:
    """Put so often that manifests and segments are compacted and swept."""
    for name in "abcdefh":
        put_objects(index, [LabelObject(id=7, name=name)])
    compact_objects(index)


def _filled(index: StoreURL) -> StoreURL:
    for label in IDS[:4]:
        put_objects(index, [LabelObject(id=label, name="old")])
    return index


def _put_one(index: StoreURL) -> None:
    put_objects(index, [LabelObject(id=7, name="h")])


@pytest.mark.parametrize("call", [_put_one, compact_objects])
@pytest.mark.parametrize("other", [_put_one, _busy, compact_objects])
def test_another_writer_at_any_step_loses_nothing(
    memory_store: StoreURL,
    call: Callable[[StoreURL], object],
    other: Callable[[StoreURL], object],
) -> None:
    prepared = _filled(memory_store / "prepared")
    with before_step(-1, crash) as done:
        call(prepared)
    for step in range(0, len(done), EVERY):
        index = _filled(memory_store / str(step))
        with before_step(step, partial(other, index)) as steps:
            call(index)
        assert len(steps) > step
        expected = dict.fromkeys(IDS[:4], "old") | {7: "h"}
        if _put_one not in {call, other} and other is not _busy:
            del expected[7]
        compact_objects(index)
        found = list_objects(index).table
        names = zip(found["id"].to_pylist(), found["name"].to_pylist(), strict=True)
        assert dict(names) == expected


def test_writers_and_compactors_at_once_lose_nothing(place: StoreURL) -> None:
    def write(writer: int) -> None:
        for number in range(6):
            put_objects(place, [LabelObject(id=1 + 100 * writer + number, name=str(writer))])

    with ThreadPoolExecutor(5) as pool:
        jobs: list[Future[Any]] = [pool.submit(write, writer) for writer in range(4)]
        jobs += [pool.submit(compact_objects, place) for _ in range(4)]
        for job in jobs:
            job.result()
    expected = {1 + 100 * w + n: str(w) for w in range(4) for n in range(6)}
    found = list_objects(place).table
    assert dict(zip(found["id"].to_pylist(), found["name"].to_pylist(), strict=True)) == expected


def test_a_writer_that_slept_through_a_sweep_is_told(
    lake: StoreURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its number is free again, and lower than the newest: without a second look it was lost."""

    def lost() -> bool:
        index = lake / uuid4().hex
        _filled(index)
        create = store.create
        slept: list[StoreURL] = []

        def slow(url: StoreURL, body: bytes) -> str:
            if "manifest" in url.key and not slept:
                slept.append(url)
                _busy(index)
                assert url.name not in {info.url.name for info in store.walk(index / "objects")}
            return create(url, body)

        with patch.object(store, "create", slow):
            put_objects(index, [LabelObject(id=9)])
        assert slept
        return not len(get_objects(index, [9]))

    assert not lost()
    monkeypatch.setattr(manifest, "_is_followed", lambda *_: True)
    assert lost()


def test_without_create_if_absent_a_writer_is_lost(
    lake: StoreURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "create", store.write)
    index, real = lake / "a", store.write
    calls: list[StoreURL] = []

    def racing(url: StoreURL, body: bytes) -> str:
        if "manifest" in url.key and not calls:
            calls.append(url)
            put_objects(index, [LabelObject(id=1)])
        return real(url, body)

    monkeypatch.setattr(store, "create", racing)
    put_objects(index, [LabelObject(id=2)])
    assert get_objects(index, [1, 2])["id"].to_pylist() == [2]


def test_what_is_superseded_is_swept(lake: StoreURL, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "SWEEP_AGE_S", -60.0)
    for _ in range(3):
        _busy(lake)
    delete_objects(lake, [7])
    compact_objects(lake)
    compact_objects(lake)
    assert len(numbers(lake / "objects" / "manifest")) <= 3
    assert len(list(store.walk(lake / "objects" / "runs"))) <= 8
    assert len(list_objects(lake).table) == 0
