"""What people say of places, on SQLite and on PostgreSQL."""

from __future__ import annotations

import pytest

from voxlake.platform.catalog import Catalog, DatasetRecord, DatasetState
from voxlake.platform.catalog.data import metadata
from voxlake.platform.database import now
from voxlake.platform.errors import InvalidInputError, LimitExceededError, NotFoundError
from voxlake.platform.names import DatasetName

EM = DatasetName("flyem", "medulla", "em")


@pytest.fixture
def catalog(catalog: Catalog) -> Catalog:
    state = DatasetState.READY
    catalog.add_dataset(DatasetRecord(EM, "image", None, "em", state, False, now()))
    return catalog


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_values_by_key(catalog: Catalog, depth: int) -> None:
    place, said = EM.parts[:depth], catalog.metadata
    said.put_value(place, "b/ key?&=", "été\n\t🪰")
    said.put_value(place, "a", "")
    said.put_value(place, "a", "1")
    assert said.list_keys(place) == ["a", "b/ key?&="]
    assert said.list_values(place) == {"a": "1", "b/ key?&=": "été\n\t🪰"}
    assert said.get_value(place, "a") == "1"
    said.drop_value(place, "a")
    for ask in (said.get_value, said.drop_value):
        with pytest.raises(NotFoundError, match="no key 'a'"):
            ask(place, "a")
    others = [EM.parts[:other] for other in (1, 2, 3) if other != depth]
    assert [said.list_keys(other) for other in others] == [[], []]
    about = [(one.action, one.detail) for one in catalog.audit.list_entries(limit=2)]
    assert about == [("drop value", "a"), ("put value", "a")]


def test_they_go_with_the_dataset_and_along_when_it_is_renamed(catalog: Catalog) -> None:
    catalog.metadata.put_value(EM.parts, "k", "v")
    catalog.metadata.describe(EM.parts, "Electrons")
    other = EM.sibling("raw")
    catalog.move_dataset(EM, other)
    assert catalog.metadata.list_values(other.parts) == {"k": "v"}
    assert catalog.get_dataset(other).description == "Electrons"
    catalog.remove_dataset(other)
    state = DatasetState.READY
    catalog.add_dataset(DatasetRecord(other, "image", None, "em", state, False, now()))
    assert catalog.metadata.list_values(other.parts) == {}
    assert catalog.get_dataset(other).description == ""


def test_what_is_no_text_or_too_much_is_refused(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = catalog.metadata
    longest = "x" * metadata.LONGEST_VALUE
    said.put_value(EM.parts, "k" * metadata.LONGEST_KEY, longest)
    said.describe(EM.parts, longest)
    for key, value in (("", "v"), ("a\0", "v"), ("a", "v\0"), ("a", "\ud800")):
        with pytest.raises(InvalidInputError):
            said.put_value(EM.parts, key, value)
    for key, value in (("k" * (metadata.LONGEST_KEY + 1), "v"), ("k", longest + "x")):
        with pytest.raises(LimitExceededError, match="at most"):
            said.put_value(EM.parts, key, value)
    with pytest.raises(LimitExceededError):
        said.describe(EM.parts, longest + "x")
    monkeypatch.setattr(metadata, "MOST_KEYS", 2)
    said.put_value(EM.parts, "a", "1")
    said.put_value(EM.parts, "a", "2")
    with pytest.raises(LimitExceededError, match="2 keys"):
        said.put_value(EM.parts, "b", "1")
    for ask in (said.list_keys, said.list_values, said.creator_of):
        with pytest.raises(NotFoundError, match="no flyem/none"):
            ask(("flyem", "none"))
