"""What a search finds is what holds the words and may be read: on SQLite and on PostgreSQL."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from voxlake.platform.access import PUBLIC, Decision, Grant, Permission, Principal, Role, decide
from voxlake.platform.catalog import Catalog, DatasetRecord, DatasetState
from voxlake.platform.catalog.data import search
from voxlake.platform.catalog.data.node_records import NodeRecord, Page, list_nodes
from voxlake.platform.catalog.data.record import DatasetFilter, Kind
from voxlake.platform.catalog.rights.grants import put_grant
from voxlake.platform.catalog.tables import grants
from voxlake.platform.database import now
from voxlake.platform.errors import InvalidInputError
from voxlake.platform.names import DatasetName
from voxlake.platform.nodes.words import words_of

OWNER = Principal("owner", is_owner=True)
DATASETS = list(product(("fly", "Mouse_1"), ("brain", "gut-2"), ("em", "EM_seg")))
PLACES = sorted({name[:depth] for name in DATASETS for depth in (1, 2, 3)})


@pytest.fixture
def catalog(catalog: Catalog) -> Catalog:
    for parts in DATASETS:
        name, state = DatasetName(*parts), DatasetState.READY
        catalog.add_dataset(DatasetRecord(name, "image", None, str(name), state, False, now()))
    return catalog


def found(catalog: Catalog, question: str, who: Principal = OWNER) -> list[str]:
    return [str(each) for each in catalog.search.find(who, question)]


def test_names_descriptions_and_values_are_searched(catalog: Catalog) -> None:
    catalog.metadata.describe(("fly", "brain"), "The MEDULLA of a Straße; naïve")
    catalog.metadata.put_value(("fly", "gut-2", "em"), "species", "Drosophila melanogaster")
    assert found(catalog, "medulla") == found(catalog, "Med of") == ["fly/brain"]
    assert found(catalog, "STRASSE") == found(catalog, "naï") == ["fly/brain"]
    assert found(catalog, "species melano") == found(catalog, "DROSO") == ["fly/gut-2/em"]
    assert found(catalog, "edulla") == found(catalog, "medulla em") == []
    assert found(catalog, "em") == ["/".join(each) for each in PLACES if len(each) == 3]
    assert found(catalog, "EM_seg") == ["/".join(each) for each in PLACES if each[-1] == "EM_seg"]
    assert catalog.search.count(OWNER, "em") == 8


def test_what_changes_is_found_as_it_is(catalog: Catalog) -> None:
    place = ("fly", "brain")
    catalog.metadata.describe(place, "medulla")
    catalog.metadata.describe(place, "lobula")
    assert (found(catalog, "medulla"), found(catalog, "lobula")) == ([], ["fly/brain"])
    catalog.metadata.put_value(place, "k", "old")
    catalog.metadata.put_value(place, "k", "new")
    assert (found(catalog, "old"), found(catalog, "new k")) == ([], ["fly/brain"])
    catalog.metadata.drop_value(place, "k")
    assert found(catalog, "new") == []
    catalog.collections.move(("fly",), ("bee",))
    assert (found(catalog, "fly"), found(catalog, "bee")) == ([], ["bee"])
    catalog.move_dataset(DatasetName("bee", "brain", "em"), DatasetName("bee", "brain", "xray"))
    assert found(catalog, "xray") == ["bee/brain/xray"]
    catalog.set_dataset_state(DatasetName("bee", "brain", "xray"), DatasetState.REMOVING)
    assert found(catalog, "xray") == []
    catalog.remove_dataset(DatasetName("bee", "brain", "xray"))
    assert found(catalog, "xray") == []
    catalog.ledger.create_job("ingest", DatasetName("bee", "brain", "tobe"), {})
    assert found(catalog, "tobe") == []


@pytest.mark.parametrize("question", ["", " -_/ ", " ".join(map(str, range(100, 117))), "\0", "%"])
def test_a_question_holds_words(catalog: Catalog, question: str) -> None:
    for ask in (catalog.search.find, catalog.search.count):
        with pytest.raises(InvalidInputError, match="ask for 1 to 16"):
            ask(OWNER, question)


def test_a_question_is_no_pattern(catalog: Catalog) -> None:
    catalog.metadata.describe(("fly",), "a_b%c \\ 'quoted' \U0010fffe ÿ")
    assert found(catalog, "a%") == found(catalog, "a") == ["fly"]
    assert found(catalog, "quoted'; --") == ["fly"]
    assert found(catalog, "ÿ") == ["fly"]


_text = st.sampled_from(["fly", "Flyer", "brain em", "mouse-em", "1 2", "été", "Eté", "-", ""])


@settings(max_examples=12)
@given(data=st.data())
def test_it_is_brute_force_over_decide(
    catalog: Catalog, data: st.DataObject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "FEW", data.draw(st.sampled_from([0, 3, 1000])))
    _say(catalog, data)
    paths = {each.names: each.path for each in _everything(catalog)}
    given_grants = _grant(catalog, data, sorted({each for path in paths.values() for each in path}))
    who = Principal("x", is_owner=data.draw(st.booleans()))
    question = data.draw(_text.filter(lambda text: bool(words_of(text))))
    expected = [
        "/".join(place)
        for place, said in _words(catalog).items()
        if decide(who, Permission.READ, paths[place], given_grants, now()) is Decision.ALLOWED
        and all(any(word.startswith(start) for word in said) for start in words_of(question))
    ]
    assert found(catalog, question, who) == expected
    assert catalog.search.count(who, question) == len(expected)
    limit, paged = data.draw(st.integers(1, 5)), list[str]()
    while page := catalog.search.find(
        who, question, Page(limit, tuple(paged[-1].split("/")) if paged else ())
    ):
        assert len(page) <= limit
        paged += map(str, page)
    assert paged == expected
    kinds: tuple[Kind, ...] = ("image", "labels")
    kind = data.draw(st.sampled_from(kinds))
    where, names = DatasetFilter(kind=kind, words=question), [each.split("/") for each in expected]
    listed = catalog.list_allowed(who, Permission.READ, page=Page(5), where=where)
    wanted = [each for each in names if len(each) == 3 and kind == "image"]
    assert [list(each.name.parts) for each in listed] == wanted[:5]


def _say(catalog: Catalog, data: st.DataObject) -> None:
    for place in data.draw(st.sets(st.sampled_from(PLACES), max_size=3)):
        catalog.metadata.describe(place, data.draw(_text))
        catalog.metadata.put_value(place, data.draw(st.sampled_from("ab")), data.draw(_text))


def _grant(catalog: Catalog, data: st.DataObject, nodes: list[int]) -> list[Grant]:
    role = st.sampled_from(Role).map(lambda role: role.permissions)
    grant = st.builds(Grant, st.just(PUBLIC), st.sampled_from(nodes), role, st.booleans())
    drawn = st.lists(grant, max_size=5, unique_by=lambda each: (each.node, each.inherits))
    given_grants = data.draw(drawn)
    with catalog.database.write() as connection:
        connection.execute(delete(grants))
        for each in given_grants:
            put_grant(connection, each)
    return given_grants


def _words(catalog: Catalog) -> dict[tuple[str, ...], set[str]]:
    descriptions = {each.names: each.description for each in _everything(catalog)}
    values = {place: catalog.metadata.list_values(place) for place in PLACES}
    return {
        place: words_of(
            " ".join([place[-1], descriptions[place], *values[place], *values[place].values()])
        )
        for place in PLACES
    }


def _everything(catalog: Catalog) -> list[NodeRecord]:
    with catalog.database.read() as connection:
        return [each for depth in (1, 2, 3) for each in list_nodes(connection, depth)]


def test_pages_of_datasets_are_the_list(catalog: Catalog) -> None:
    everything = catalog.list_datasets()
    assert [record.name.parts for record in everything] == sorted(DATASETS)
    for limit in (1, 3, 8, 9):
        paged: list[DatasetRecord] = []
        after: tuple[str, ...] = ()
        while page := catalog.list_allowed(OWNER, Permission.READ, page=Page(limit, after)):
            paged += page
            after = page[-1].name.parts
        assert paged == everything
    inside = catalog.list_allowed(
        OWNER, Permission.READ, "fly", "gut-2", page=Page(5, ("fly", "gut-2", "EM_seg"))
    )
    assert [str(record.name) for record in inside] == ["fly/gut-2/em"]
