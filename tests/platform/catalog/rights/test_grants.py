"""What lists let through is what `decide` allows, whatever the tree and the grants."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert

from voxlake.platform.access import PUBLIC, Decision, Grant, Permission, Principal, Role, decide
from voxlake.platform.catalog import Catalog, DatasetRecord, DatasetState
from voxlake.platform.catalog.rights.grants import (
    bits_of,
    permissions_of,
    put_grant,
    put_role,
    read_grants,
)
from voxlake.platform.catalog.tables import grants, groups
from voxlake.platform.database import now
from voxlake.platform.errors import ConflictError
from voxlake.platform.names import DatasetName

GROUPS = (PUBLIC, 2, 3, 4)
HOUR = timedelta(hours=1)


@pytest.fixture
def catalog(catalog: Catalog) -> Catalog:
    """Eight datasets, and groups to grant them to."""
    for parts in product(("a", "b"), ("e", "f"), ("x", "y")):
        state, url = DatasetState.READY, "/".join(parts)
        name = DatasetName(*parts)
        catalog.add_dataset(DatasetRecord(name, "image", None, url, state, False, now()))
    with catalog.database.write() as connection:
        for group in GROUPS[1:]:
            row = {"id": group, "name": f"group-{group}", "created_at": now()}
            connection.execute(insert(groups).values(row))
    return catalog


_sets = st.frozensets(st.sampled_from(Permission), max_size=4)
_all = st.just(frozenset(Permission))
_hours = st.none() | st.integers(-2, 2).filter(bool).map(lambda hours: now() + hours * HOUR)


def _grants(nodes: list[int]) -> st.SearchStrategy[list[Grant]]:
    roles = st.sampled_from(Role).map(lambda role: role.permissions)
    group, node = st.sampled_from(GROUPS), st.sampled_from(nodes)
    grant = st.builds(Grant, group, node, _sets | roles, st.booleans(), _hours, _hours)
    return st.lists(
        grant, max_size=8, unique_by=lambda each: (each.group, each.node, each.inherits)
    )


@settings(max_examples=60)
@given(data=st.data())
def test_lists_and_decisions_are_one(catalog: Catalog, data: st.DataObject) -> None:
    records = catalog.list_datasets()
    nodes = sorted({node for record in records for node in record.path})
    given_grants = data.draw(_grants(nodes))
    with catalog.database.write() as connection:
        connection.execute(delete(grants))
        for grant in given_grants:
            put_grant(connection, grant)
    theirs = frozenset(data.draw(st.sets(st.sampled_from(GROUPS))))
    principal = Principal(
        "ada",
        groups=theirs,
        is_owner=data.draw(st.booleans()),
        permissions=data.draw(_all | _sets),
        within=data.draw(st.none() | st.sampled_from(nodes)),
    )
    for permission in data.draw(st.sets(st.sampled_from(Permission), min_size=1, max_size=3)):
        listed = catalog.list_allowed(principal, permission)
        assert [record.name for record in listed] == [
            record.name
            for record in records
            if decide(principal, permission, record.path, given_grants, now()) is Decision.ALLOWED
        ]
    for record in records:
        found = catalog.get_protected(record.name)
        asked = Principal("x"), Permission.READ
        assert found.record.public == (found.decide(*asked) is Decision.ALLOWED)
        assert {*found.grants} == {grant for grant in given_grants if grant.node in record.path}


@given(permissions=st.frozensets(st.sampled_from(Permission)))
def test_permissions_are_kept_as_bits(permissions: frozenset[Permission]) -> None:
    assert permissions_of(bits_of(permissions)) == permissions


def test_the_last_grant_of_a_kind_counts(catalog: Catalog) -> None:
    node = catalog.get_dataset(DatasetName("a", "e", "x")).node
    with catalog.database.write() as connection:
        put_role(connection, node, 2, Role.VIEWER)
        put_grant(connection, Grant(2, node, frozenset({Permission.ADD}), inherits=False))
        put_role(connection, node, 2, Role.OWNER)
        kept = read_grants(connection, [node])
    assert {(one.inherits, one.permissions) for one in kept} == {
        (True, Role.OWNER.permissions),
        (False, frozenset({Permission.ADD})),
    }


def test_what_is_public_from_above_is_not_taken_back_below(catalog: Catalog) -> None:
    name = DatasetName("a", "e", "x")
    _, collection, _, _ = catalog.get_dataset(name).path
    with catalog.database.write() as connection:
        put_role(connection, collection, PUBLIC, Role.VIEWER)
    assert [record.public for record in catalog.list_datasets("a")] == [True] * 4
    assert not any(record.public for record in catalog.list_datasets("b"))
    with pytest.raises(ConflictError, match="as all of its experiment or collection"):
        catalog.set_public(name, public=False)
