"""Plain sets of permissions, on SQLite and on PostgreSQL: whatever is put is what a dict has."""

from __future__ import annotations

from typing import ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from voxlake.platform.access import VOLUMETRIC, Permission, Principal, Role
from voxlake.platform.catalog import Catalog, DatasetRecord, DatasetState
from voxlake.platform.catalog.rights.permission_sets import PermissionSet
from voxlake.platform.database import now
from voxlake.platform.errors import (
    ConflictError,
    ForbiddenError,
    GroupNotFoundError,
    InvalidInputError,
    NotFoundError,
)
from voxlake.platform.names import DatasetName

DATASET = ("lab", "brain", "em")
PLACES = [DATASET[:1], DATASET[:2], DATASET, ("lab", "brain", "cells"), ("zoo", "fish", "em")]
USERS = ("ada", "bob")
ROOT_OWNER = Principal("root", is_owner=True)


@pytest.fixture
def catalog(catalog: Catalog) -> Catalog:
    for place in PLACES[2:]:
        name, url = DatasetName(*place), "/".join(place)
        state = DatasetState.READY
        catalog.add_dataset(DatasetRecord(name, "image", None, url, state, False, now()))
    for user in USERS:
        catalog.people.add_user(user)
    return catalog


def found(catalog: Catalog, group: str) -> dict[tuple[str, ...], frozenset[Permission]]:
    sets = catalog.permission_sets.list_sets(ROOT_OWNER, group)
    assert [len(each.place) for each in sets] == sorted(len(each.place) for each in sets)
    return {each.place: each.permissions for each in sets}


def may(catalog: Catalog, user: str, place: tuple[str, ...]) -> frozenset[Permission]:
    there = catalog.shares.find_place(place)
    assert there is not None
    return there.held_by(catalog.people.principal_of(user))


_sets = st.frozensets(st.sampled_from(Permission))


class Machine(RuleBasedStateMachine):
    """A dict of sets, and one of roles, which inherit, beside the self.catalog."""

    catalog: ClassVar[Catalog]

    def __init__(self) -> None:
        super().__init__()
        self.plain: dict[tuple[str, tuple[str, ...]], frozenset[Permission]] = {}
        self.roles: dict[tuple[str, tuple[str, ...]], frozenset[Permission]] = {}
        for user in USERS:
            for place in PLACES:
                self.catalog.permission_sets.put(place, user, frozenset(), alone=True)

    @rule(
        user=st.sampled_from(USERS),
        place=st.sampled_from(PLACES),
        permissions=_sets,
        alone=st.booleans(),
    )
    def put(
        self,
        user: str,
        place: tuple[str, ...],
        permissions: frozenset[Permission],
        alone: bool,
    ) -> None:
        if len(place) < 3 and permissions & VOLUMETRIC:
            with pytest.raises(InvalidInputError, match="does not inherit"):
                self.catalog.permission_sets.put(place, user, permissions, alone=alone)
            return
        self.catalog.permission_sets.put(place, user, permissions, alone=alone)
        before = frozenset() if alone else self.plain.get((user, place), frozenset())
        self.plain[user, place] = before | permissions
        if alone:
            self.roles.pop((user, place), None)

    @rule(user=st.sampled_from(USERS), place=st.sampled_from(PLACES))
    def unshare(self, user: str, place: tuple[str, ...]) -> None:
        if not (self.plain.get((user, place)) or (user, place) in self.roles):
            with pytest.raises(NotFoundError):
                self.catalog.shares.unshare(place, user)
            return
        self.catalog.shares.unshare(place, user)
        self.plain.pop((user, place), None)
        self.roles.pop((user, place), None)

    @rule(
        user=st.sampled_from(USERS),
        place=st.sampled_from(PLACES),
        role=st.sampled_from(Role),
    )
    def share(self, user: str, place: tuple[str, ...], role: Role) -> None:
        self.catalog.shares.share(place, user, role)
        self.roles[user, place] = role.permissions

    @invariant()
    def the_catalog_has_what_the_dict_has(self) -> None:
        for user in USERS:
            told = found(self.catalog, user)
            for place in PLACES:
                mine = (user, place)
                there = self.plain.get(mine, frozenset()) | self.roles.get(mine, frozenset())
                hidden = frozenset() if len(place) == 3 else VOLUMETRIC
                assert told.get(place, frozenset()) == there - hidden
                above = (self.roles.get((user, place[:n]), frozenset()) for n in range(1, 4))
                assert may(self.catalog, user, place) == there.union(*above)


def test_whatever_is_put_is_what_a_dict_has(catalog: Catalog) -> None:
    machine = type("Machine", (Machine,), {"catalog": catalog})
    tried = settings(max_examples=8, stateful_step_count=10)
    run_state_machine_as_test(machine, settings=tried)


def test_who_is_told_of_which_sets(catalog: Catalog) -> None:
    catalog.people.add_group("mappers", "ada")
    read = frozenset({Permission.READ})
    catalog.permission_sets.put(DATASET, "mappers", read, alone=False)
    catalog.permission_sets.put(DATASET, "bob", read, alone=False)
    catalog.permission_sets.put(DATASET[:1], "ada", read, alone=False)
    ada = catalog.people.principal_of("ada")
    listed = catalog.permission_sets.list_sets(ada)
    assert listed == [
        PermissionSet(DATASET[:1], "ada", True, read),
        PermissionSet(DATASET, "mappers", False, read),
    ]
    assert catalog.permission_sets.list_sets(ada, place=DATASET) == listed[1:]
    assert catalog.permission_sets.list_sets(ada, "mappers", DATASET[:2]) == []
    assert len(catalog.permission_sets.list_sets(ROOT_OWNER)) == 3
    # A token that is good for something else tells nothing of what it does not lead to.
    zoo = catalog.shares.find_place(["zoo"])
    assert zoo is not None
    elsewhere = Principal("ada", groups=ada.groups, within=zoo.path[-1])
    assert catalog.permission_sets.list_sets(elsewhere) == []
    with pytest.raises(GroupNotFoundError, match="no group none"):
        catalog.permission_sets.list_sets(ada, "none")


def test_nobody_gives_or_takes_more_than_they_may(catalog: Catalog) -> None:
    sets = catalog.permission_sets
    assigns = frozenset({Permission.READ, Permission.ASSIGN_GROUP})
    everything = frozenset(Permission)
    with pytest.raises(ForbiddenError, match="may not update there yourself"):
        sets.put(DATASET, "bob", frozenset({Permission.UPDATE}), assigns, alone=False)
    with pytest.raises(InvalidInputError, match="everybody can be a viewer"):
        sets.put(DATASET, "public", frozenset({Permission.ADD}), alone=False)
    sets.put(DATASET, "bob", everything, alone=False)
    with pytest.raises(ForbiddenError, match="may not take that back"):
        sets.put(DATASET, "bob", frozenset({Permission.READ}), assigns, alone=True)
    with pytest.raises(ConflictError, match="nobody could share"):
        sets.put(DATASET, "bob", frozenset({Permission.READ}), everything, alone=True)
    assert found(catalog, "bob") == {DATASET: everything}
    sets.put(DATASET, "bob", frozenset({Permission.READ}), alone=True)
    assert found(catalog, "bob") == {DATASET: frozenset({Permission.READ})}
