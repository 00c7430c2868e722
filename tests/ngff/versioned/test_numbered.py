"""Numbered documents: one order among writers, damage seen, and what nothing names is swept."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import TYPE_CHECKING

import pytest
from tests.servers.faulty import losing_answers
from ulid import ULID

from voxlake.ngff.memory.cache import Cached
from voxlake.ngff.versioned import contention, document, numbered, sweeping
from voxlake.ngff.versioned.contention import until_first
from voxlake.ngff.versioned.document import Document, Form
from voxlake.ngff.versioned.numbered import Numbered, numbered_url, numbers
from voxlake.ngff.versioned.sweeping import sweep
from voxlake.platform import store
from voxlake.platform.errors import ConflictError, CorruptDataError

if TYPE_CHECKING:
    from voxlake.platform.store import StoreURL


class Names(Document):
    names: tuple[str, ...] = ()
    by: str = ""


PLAIN = Form(Names, "restore it")
CACHED = Form(Names, "restore it", key="names", cached=Cached("names of tests"))
FORMS = pytest.mark.parametrize("form", [PLAIN, CACHED])


def publish(form: Form[Names], folder: StoreURL, name: str) -> int | None:
    """Add a name to the newest document; None if another writer was first."""
    before = numbered.newest(form, folder) or Numbered(0, Names())
    after = Names(names=(*before.document.names, name), by=name)

    def is_followed() -> bool:
        newest = numbered.newest(form, folder)
        return newest is not None and name in newest.document.names

    made = Numbered(before.number + 1, after)
    return made.number if numbered.create_next(form, folder, made, is_followed) else None


@FORMS
def test_writers_at_once_agree_on_one_order(any_store: StoreURL, form: Form[Names]) -> None:
    names = [f"{n}" for n in range(12)]
    assert numbered.newest(form, any_store) is None
    with ThreadPoolExecutor(6) as pool:
        taken = list(
            pool.map(lambda n: until_first(lambda: publish(form, any_store, n), "it"), names)
        )
    newest = numbered.newest(form, any_store)
    assert newest is not None
    assert sorted(taken) == numbers(any_store) == list(range(1, 13))
    assert newest.number == 12
    assert sorted(newest.document.names) == sorted(names)


@FORMS
def test_who_slept_until_its_number_was_swept_is_not_followed(
    memory_store: StoreURL, form: Form[Names]
) -> None:
    for name in "abc":
        assert publish(form, memory_store, name)
    store.delete(numbered_url(memory_store, 1))
    late = Numbered(1, Names(names=("late",)))
    assert not numbered.create_next(form, memory_store, late, lambda: False)
    taken = Numbered(2, Names(names=("late",)))
    assert not numbered.create_next(form, memory_store, taken, lambda: True)


@FORMS
def test_a_document_counts_though_the_answer_was_lost(
    s3_store: StoreURL, form: Form[Names]
) -> None:
    with losing_answers(str(s3_store.endpoint), 503) as endpoint:
        folder = replace(s3_store, endpoint=endpoint)
        assert publish(form, folder, "a") == 1
        assert publish(form, folder, "b") == 2


@FORMS
def test_of_equal_documents_each_is_its_makers(any_store: StoreURL, form: Form[Names]) -> None:
    url, names = numbered_url(any_store, 1), Names(names=("a",))
    assert document.create(form, url, names)
    assert not document.create(form, url, names)
    assert document.read(form, url) == names


@FORMS
def test_a_document_without_a_checksum_is_read(memory_store: StoreURL, form: Form[Names]) -> None:
    store.write(numbered_url(memory_store, 1), b'{"names":["a"],"by":"ann"}')
    newest = numbered.newest(form, memory_store)
    assert newest == Numbered(1, Names(names=("a",), by="ann"))


@FORMS
def test_every_flipped_bit_is_seen(memory_store: StoreURL, form: Form[Names]) -> None:
    publish(form, memory_store, "a")
    url = numbered_url(memory_store, 1)
    body = store.read(url).body
    for place, bit in product(range(len(body)), range(8)):
        flipped = body[:place] + bytes([body[place] ^ 1 << bit]) + body[place + 1 :]
        with pytest.raises(CorruptDataError, match="restore it"):
            document.decode(form, url, flipped)


def test_a_folder_that_was_filled_anew_has_other_documents(any_store: StoreURL) -> None:
    for name in "ab":
        publish(CACHED, any_store / "x", name)
        newest = numbered.newest(CACHED, any_store / "x")
        assert newest is not None
        assert newest.document.by == name
        store.delete_tree(any_store / "x")


def test_others_first_at_every_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contention, "LONGEST_PAUSE", 0)
    monkeypatch.setattr(contention, "ATTEMPTS", 3)
    tries = iter([None, None, 5, 6])
    assert until_first(lambda: next(tries), "it") == 5
    with pytest.raises(ConflictError, match="others changed it 3 times"):
        until_first(lambda: None, "it")


def test_old_segments_that_no_kept_document_names_are_swept(memory_store: StoreURL) -> None:
    folder, segments = memory_store / "manifest", memory_store / "runs"
    days = [datetime.now(UTC) - timedelta(days=age) for age in (3, 3, 3, 0)]
    named, dropped, nameless, young = (str(ULID.from_datetime(day)) for day in days)
    for ulid in (named, dropped, nameless, young):
        store.write(segments / f"{ulid}.parquet", b"")
    store.write(segments / f"{dropped}.cover.parquet", b"")
    store.write(segments / "notes.txt", b"")
    for number in range(1, sweeping.KEPT_DOCUMENTS + 3):
        names = (dropped,) if number == 1 else (named,)
        document.create(PLAIN, numbered_url(folder, number), Names(names=names, by=str(number)))
    assert sweep(PLAIN, folder, segments, lambda one: one.names, lambda: False) == 2
    assert numbers(folder) == list(range(3, sweeping.KEPT_DOCUMENTS + 3))
    assert sweep(PLAIN, folder, segments, lambda one: one.names) == 3
    left = {info.url.name for info in store.walk(segments)}
    assert left == {f"{named}.parquet", f"{young}.parquet", "notes.txt"}
