"""Collections and experiments as things of their own, on SQLite and on PostgreSQL."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from voxlake.platform.access import PUBLIC, Decision, Grant, Permission, Principal, Role, decide
from voxlake.platform.catalog import Catalog, DatasetRecord, DatasetState
from voxlake.platform.catalog.data.frames import Frame
from voxlake.platform.catalog.data.node_records import EVERYTHING, Page
from voxlake.platform.catalog.rights.grants import put_grant
from voxlake.platform.catalog.tables import grants
from voxlake.platform.database import now
from voxlake.platform.errors import ConflictError, InvalidNameError, NotFoundError
from voxlake.platform.names import DatasetName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxlake.platform.catalog.data.collections import Collections

OWNER = Principal("owner", is_owner=True)
FLY, MEDULLA = ("flyem",), ("flyem", "medulla")


def add_image(catalog: Catalog, name: str) -> DatasetName:
    parsed, state = DatasetName.parse(name), DatasetState.READY
    catalog.add_dataset(DatasetRecord(parsed, "image", None, f"at/{name}", state, False, now()))
    return parsed


def listed(
    collections: Collections,
    above: Sequence[str] = (),
    page: Page = EVERYTHING,
    who: Principal = OWNER,
) -> list[str]:
    return [str(each) for each in collections.list_allowed(who, Permission.READ, above, page)]


def test_they_are_made_empty_and_told(catalog: Catalog) -> None:
    made = catalog.collections.add(FLY, description="Brains of flies")
    assert (made.names, made.kind, made.description) == (FLY, "collection", "Brains of flies")
    catalog.frames.add(Frame("hemibrain", (0, 0, 0), (10, 20, 30), (8, 8, 8)))
    inner = catalog.collections.add(MEDULLA, frame="hemibrain")
    assert (inner.kind, inner.frame, inner.public) == ("experiment", "hemibrain", False)
    assert catalog.collections.get(FLY) == made
    assert catalog.collections.get(MEDULLA).path == (*made.path, inner.node)
    assert (listed(catalog.collections), listed(catalog.collections, FLY)) == (
        ["flyem"],
        ["flyem/medulla"],
    )
    catalog.metadata.describe(FLY, "Flies")
    assert catalog.collections.get(FLY).description == "Flies"
    assert [each.action for each in reversed(catalog.audit.list_entries())] == [
        "add collection",
        "add frame",
        "add experiment",
        "describe place",
    ]
    assert catalog.metadata.creator_of(FLY) == catalog.by


def test_those_of_a_dataset_are_there_too(catalog: Catalog) -> None:
    add_image(catalog, "flyem/medulla/em")
    assert listed(catalog.collections, FLY) == ["flyem/medulla"]
    with pytest.raises(ConflictError, match="collection flyem exists already"):
        catalog.collections.add(FLY)
    assert catalog.metadata.creator_of(FLY) is None


def test_whoever_makes_one_owns_it(catalog: Catalog) -> None:
    catalog.people.add_user("ada")
    catalog.collections.add(FLY, owner="ada")
    ada = catalog.people.principal_of("ada")
    found = catalog.collections.get_protected(FLY)
    for permission in Permission:
        decision = decide(ada, permission, found.record.path, found.grants, now())
        assert decision is Decision.ALLOWED
    catalog.collections.add(("lab",), owner="nobody-of-the-lake")
    assert listed(catalog.collections, who=ada) == ["flyem"]


def test_names_are_given_once_and_are_names(catalog: Catalog) -> None:
    catalog.collections.add(FLY)
    for place in ((), ("a", "b", "c")):
        with pytest.raises(InvalidNameError, match="neither COLLECTION nor"):
            catalog.collections.add(place)
    with pytest.raises(InvalidNameError, match=r"collection '\.\.' is not valid"):
        catalog.collections.add(("..",))
    with pytest.raises(NotFoundError, match="no lab"):
        catalog.collections.add(("lab", "brain"))
    with pytest.raises(NotFoundError, match="no frame none"):
        catalog.collections.add(MEDULLA, frame="none")
    assert listed(catalog.collections, FLY) == []
    for ask in (catalog.collections.get, catalog.collections.remove):
        with pytest.raises(NotFoundError, match="no experiment flyem/none"):
            ask(("flyem", "none"))


def test_a_rename_changes_one_row(catalog: Catalog) -> None:
    name = add_image(catalog, "flyem/medulla/em")
    catalog.people.add_user("ada")
    catalog.shares.share(FLY, "ada", Role.VIEWER)
    node = catalog.get_dataset(name).node
    assert str(catalog.collections.move(FLY, ("fly2",))) == "fly2"
    assert str(catalog.collections.move(("fly2", "medulla"), ("fly2", "lobula"))) == "fly2/lobula"
    catalog.collections.add(("lab",))
    catalog.collections.move(("fly2", "lobula"), ("lab", "lobula"))
    moved = catalog.get_dataset(DatasetName("lab", "lobula", "em"))
    assert (moved.node, moved.url) == (node, "at/flyem/medulla/em")
    assert catalog.list_allowed(catalog.people.principal_of("ada"), Permission.READ) == []
    assert listed(catalog.collections) == ["fly2", "lab"]
    for taken in (("lab",), ("fly2",)):
        with pytest.raises(ConflictError, match="exists already"):
            catalog.collections.move(("lab",), taken)
    with pytest.raises(InvalidNameError, match="as many names"):
        catalog.collections.move(("lab",), ("lab", "x"))
    [entry] = catalog.audit.list_entries(limit=1)
    assert (entry.action, entry.subject, entry.detail) == (
        "rename experiment",
        "lab/lobula",
        "before fly2/lobula",
    )


def test_nothing_is_changed_above_a_job(catalog: Catalog) -> None:
    job = catalog.ledger.create_job("ingest", DatasetName("flyem", "medulla", "em"), {})
    for place, to in ((FLY, ("fly2",)), (MEDULLA, ("flyem", "lobula"))):
        with pytest.raises(ConflictError, match=f"ingest job {job.id} on flyem/medulla/em is"):
            catalog.collections.move(place, to)
        with pytest.raises(ConflictError, match=job.id):
            catalog.collections.remove(place, recursive=True)
    catalog.ledger.cancel(job.id)
    catalog.collections.remove(FLY, recursive=True)
    assert listed(catalog.collections) == []


def test_what_holds_something_is_not_deleted(catalog: Catalog) -> None:
    name = add_image(catalog, "flyem/medulla/em")
    for place in (FLY, MEDULLA):
        with pytest.raises(ConflictError, match="holds 1 dataset; delete them first"):
            catalog.collections.remove(place, recursive=True)
    catalog.remove_dataset(name)
    with pytest.raises(ConflictError, match="flyem holds medulla"):
        catalog.collections.remove(FLY)
    catalog.metadata.put_value(MEDULLA, "k", "v")
    catalog.people.add_user("ada")
    catalog.shares.share(MEDULLA, "ada", Role.OWNER)
    catalog.collections.remove(FLY, recursive=True)
    catalog.collections.add(FLY)
    catalog.collections.add(MEDULLA)
    assert catalog.metadata.list_values(MEDULLA) == {}
    assert catalog.shares.list_shares(MEDULLA) == []


@settings(max_examples=25)
@given(data=st.data())
def test_lists_and_decisions_are_one(catalog: Catalog, data: st.DataObject) -> None:
    everything = []
    for place in (("A",), ("a",), ("a-b",), *product(("a", "A"), ("e", "f", "f_1"))):
        try:
            everything.append(catalog.collections.get(place))
        except NotFoundError:
            everything.append(catalog.collections.add(place))
    nodes = sorted({node for record in everything for node in record.path})
    group, node = st.sampled_from((PUBLIC,)), st.sampled_from(nodes)
    role = st.sampled_from(Role).map(lambda role: role.permissions)
    drawn = st.lists(
        st.builds(Grant, group, node, role, st.booleans()),
        max_size=5,
        unique_by=lambda each: (each.node, each.inherits),
    )
    given_grants = data.draw(drawn)
    with catalog.database.write() as connection:
        connection.execute(delete(grants))
        for grant in given_grants:
            put_grant(connection, grant)
    who = Principal("x", within=data.draw(st.none() | st.sampled_from(nodes)))
    for above in ((), ("a",), ("A",)):
        allowed = sorted(
            each.names
            for each in everything
            if each.names[:-1] == above
            and decide(who, Permission.READ, each.path, given_grants, now()) is Decision.ALLOWED
        )
        assert listed(catalog.collections, above, who=who) == list(map("/".join, allowed))
        limit = data.draw(st.integers(1, 3))
        paged: list[str] = []
        while page := listed(
            catalog.collections,
            above,
            Page(limit, tuple(paged[-1].split("/")) if paged else ()),
            who,
        ):
            assert len(page) <= limit
            paged += page
        assert paged == list(map("/".join, allowed))
