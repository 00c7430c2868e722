"""One object: what it may be, what is kept of it, and what is said when it is not there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pydantic import ValidationError
from tests.ngff.labels.objects.steps import before_step, crash
from tests.ngff.labels.samples import dead_store

from voxlake.ngff.labels.label_id import MAX_LABEL
from voxlake.ngff.labels.objects.label_object import LabelObject, ObjectType
from voxlake.ngff.labels.objects.reading import (
    ObjectFilter,
    get_object,
    get_objects,
    list_ids,
    list_objects,
)
from voxlake.ngff.labels.objects.writing import compact_objects, delete_objects, put_objects
from voxlake.ngff.memory.cache import CACHE
from voxlake.ngff.versioned.sorted_file import GROUP_ROWS
from voxlake.platform import store
from voxlake.platform.errors import (
    CorruptDataError,
    InvalidInputError,
    LimitExceededError,
    NotFoundError,
    StoreError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxlake.platform.store import StoreURL

FULL = LabelObject(
    id=MAX_LABEL,
    type=ObjectType.ORGANELLE,
    name="mitochondrion ü\0\n",
    author="ana",
    status="to review",
    confidence=0.25,
    parent=(1 << 53) + 1,
    key_values={"b": "", "a": "1 = 2", "": "x"},
)


def test_an_object_comes_back_whole(any_store: StoreURL) -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    assert put_objects(any_store, [FULL, LabelObject(id=1)]) == 1
    found = get_object(any_store, MAX_LABEL)
    assert found.created == found.modified
    assert found.modified is not None
    assert before <= found.modified <= datetime.now(UTC)
    assert found == FULL.model_copy(update={"created": found.created, "modified": found.modified})
    assert get_objects(any_store, [1, 2, 3, MAX_LABEL])["id"].to_pylist() == [1, MAX_LABEL]


def test_the_ids_of_those_that_fit(lake: StoreURL) -> None:
    status = [LabelObject(id=label, status=str(label % 3)) for label in range(1, 40)]
    put_objects(lake, [*status[20:], FULL])
    put_objects(lake, status[:20])
    delete_objects(lake, [6])
    fitting = [label for label in range(3, 40, 3) if label != 6]
    found = list_ids(lake, ObjectFilter(status="0"))
    assert found.dtype == np.uint64
    assert found.tolist() == fitting
    assert list_ids(lake, ObjectFilter(status="0"), len(fitting)).tolist() == fitting
    assert list_ids(lake, ObjectFilter(status="9")).tolist() == []
    assert list_ids(lake, ObjectFilter(type=ObjectType.ORGANELLE)).tolist() == [MAX_LABEL]
    with pytest.raises(LimitExceededError, match="more than 11 objects fit"):
        list_ids(lake, ObjectFilter(status="0"), len(fitting) - 1)


def test_its_creation_is_kept_until_it_is_deleted(lake: StoreURL) -> None:
    put_objects(lake, [FULL])
    first = get_object(lake, MAX_LABEL)
    put_objects(lake, [LabelObject(id=MAX_LABEL, name="b"), LabelObject(id=3)])
    second = get_object(lake, MAX_LABEL)
    assert (second.name, second.created) == ("b", first.created)
    assert second.modified != first.modified
    compact_objects(lake)
    assert get_object(lake, MAX_LABEL) == second
    delete_objects(lake, [MAX_LABEL, 99])
    with pytest.raises(NotFoundError, match=str(MAX_LABEL)):
        get_object(lake, MAX_LABEL)
    put_objects(lake, [FULL])
    assert get_object(lake, MAX_LABEL).created != first.created


def test_of_two_with_one_id_the_last_counts(lake: StoreURL) -> None:
    put_objects(lake, [LabelObject(id=1, name="a"), LabelObject(id=1, name="b")])
    assert get_object(lake, 1).name == "b"


def test_nothing_put_writes_nothing(lake: StoreURL) -> None:
    assert put_objects(lake, []) == delete_objects(lake, []) == 0
    assert list(store.walk(lake)) == []
    page = list_objects(lake)
    assert (len(page.table), page.next, page.number) == (0, None, 0)


@pytest.mark.parametrize(
    "values",
    [
        {"id": 0},
        {"id": 1 << 64},
        {"id": 1, "type": "cat"},
        {"id": 1, "confidence": 1.1},
        {"id": 1, "confidence": float("nan")},
        {"id": 1, "parent": 0},
        {"id": 1, "name": "a" * 1001},
        {"id": 1, "name": "\ud800"},
        {"id": 1, "key_values": {"a": 1}},
        {"id": 1, "colour": "red"},
        {"id": 1, "created": datetime(2026, 1, 1)},  # noqa: DTZ001  (it has no zone)
    ],
)
def test_what_is_no_object(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        LabelObject.model_validate(values)


@pytest.mark.parametrize(
    "call",
    [
        lambda at: delete_objects(at, [0]),
        lambda at: delete_objects(at, [1 << 64]),
        lambda at: get_object(at, 0),
        lambda at: get_objects(at, [-1]),
        lambda at: list_objects(at, limit=0),
        lambda at: list_objects(at, limit=100_001),
        lambda at: list_objects(at, after=-1),
    ],
)
def test_what_is_refused(lake: StoreURL, call: Callable[[StoreURL], object]) -> None:
    with pytest.raises(InvalidInputError, match=r"from 1 to|ask for 1 to"):
        call(lake)


def test_many_objects_by_pages_and_filters(lake: StoreURL) -> None:
    """Three row groups and two small segments over them; a filter asks for what is few."""
    count = 20_000
    kinds = list(ObjectType)
    put_objects(
        lake,
        (
            LabelObject(id=7 * n + 1, type=kinds[n % 5], name=f"n{n}", key_values={"k": str(n % 3)})
            for n in range(count)
        ),
    )
    put_objects(lake, [LabelObject(id=7 * 10 + 1, name="changed"), LabelObject(id=3, name="n1x")])
    delete_objects(lake, [7 * 11 + 1])
    expected = {7 * n + 1: f"n{n}" for n in range(count)} | {71: "changed", 3: "n1x"}
    del expected[78]
    found: list[int] = []
    after: int | None = 0
    while after is not None:
        page = list_objects(lake, after=after, limit=4999)
        found += page.table["id"].to_numpy().tolist()
        after = page.next
    assert found == sorted(expected)
    names = list_objects(lake, ObjectFilter(name_prefix="n1"), limit=100_000).table
    wanted = {k: v for k, v in sorted(expected.items()) if v.startswith("n1")}
    assert dict(zip(names["id"].to_pylist(), names["name"].to_pylist(), strict=True)) == wanted
    few = list_objects(lake, ObjectFilter(ObjectType.SYNAPSE, key_value=("k", "2")), limit=3)
    assert few.table["name"].to_pylist() == ["n8", "n23", "n38"]
    assert few.next == few.table["id"][-1].as_py()
    before = list_objects(lake, limit=100_000).table
    compacted = compact_objects(lake)
    assert (compacted.segments, compacted.rows) == (1, len(expected))
    assert list_objects(lake, limit=100_000).table.equals(before)


def test_a_look_up_reads_one_row_group(lake: StoreURL) -> None:
    put_objects(lake, (LabelObject(id=n) for n in range(1, 3 * GROUP_ROWS)))
    with before_step(-1, crash) as done:
        get_object(lake, 5)
    assert done == ["last_object", "read", "read_range", "read_range"]
    with before_step(-1, crash) as done:
        get_object(lake, GROUP_ROWS + 5)
    assert done == ["last_object", "read_range"]  # manifest and footer are kept


@pytest.mark.parametrize("folder", ["runs", "manifest"])
def test_damage_is_seen(lake: StoreURL, folder: str) -> None:
    put_objects(lake, [FULL, *(LabelObject(id=n, name=f"n{n}") for n in range(1, 300))])
    whole = list_objects(lake).table
    [info] = store.walk(lake / "objects" / folder)
    body = store.read(info.url).body
    found = 0
    for place in np.linspace(0, len(body) - 1, 150, dtype=int).tolist():
        damaged = bytearray(body)
        damaged[place] ^= 0x10
        store.write(info.url, bytes(damaged))
        CACHE.clear()
        try:
            assert list_objects(lake).table.equals(whole)
        except CorruptDataError:
            found += 1
    assert found > 20


def test_a_segment_that_is_gone_is_no_empty_answer(lake: StoreURL) -> None:
    put_objects(lake, [FULL])
    store.delete_tree(lake / "objects" / "runs")
    CACHE.clear()
    with pytest.raises(CorruptDataError, match="names a segment that is not there"):
        get_object(lake, MAX_LABEL)


def test_a_store_that_fails_is_no_empty_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    dead = dead_store(monkeypatch)
    calls: list[Callable[[], object]] = [
        lambda: get_object(dead, 1),
        lambda: list_objects(dead),
        lambda: put_objects(dead, [FULL]),
        lambda: compact_objects(dead),
    ]
    for call in calls:
        with pytest.raises(StoreError):
            call()
