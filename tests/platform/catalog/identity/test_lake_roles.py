"""Who looks after the lake as a whole, and users who are deleted; on SQLite and on PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from voxlake.platform.access import Grant, LakeRole, Permission, Role
from voxlake.platform.catalog.data.frames import Frame
from voxlake.platform.catalog.identity.person import Profile
from voxlake.platform.catalog.identity.removal import LEFT, OF_USERS
from voxlake.platform.catalog.rights.grants import put_grant
from voxlake.platform.catalog.tables import groups, metadata, users
from voxlake.platform.errors import ConflictError, UnauthenticatedError, UserNotFoundError
from voxlake.platform.jobs.tables import jobs
from voxlake.platform.nodes.tree import ROOT

if TYPE_CHECKING:
    from voxlake.platform.catalog import Catalog


@pytest.fixture
def catalog(catalog: Catalog) -> Catalog:
    catalog.people.add_user("ada")
    return catalog


def may(catalog: Catalog, *place: str) -> frozenset[Permission]:
    there = catalog.shares.find_place(place)
    assert there is not None
    return there.held_by(catalog.people.principal_of("ada"))


def test_a_resource_manager_may_add_to_the_lake_and_not_to_what_is_in_it(catalog: Catalog) -> None:
    catalog.collections.add(["lab"])
    assert may(catalog) == frozenset()
    ada = catalog.lake_roles.set("ada", LakeRole.RESOURCE_MANAGER, held=True)
    assert ada.roles == (LakeRole.RESOURCE_MANAGER,)
    assert [user.roles for user in catalog.people.list_users()] == [ada.roles]
    assert may(catalog) == {Permission.ADD}
    assert may(catalog, "lab") == frozenset()
    assert not catalog.people.principal_of("ada").manages_users
    catalog.lake_roles.set("ada", LakeRole.RESOURCE_MANAGER, held=False)
    assert may(catalog) == frozenset()
    assert catalog.people.get_user("ada").roles == ()


def test_what_else_was_granted_on_the_lake_stays(catalog: Catalog) -> None:
    catalog.shares.share([], "ada", Role.VIEWER)
    own = catalog.people.get_group("ada").id
    with catalog.database.write() as connection:
        put_grant(connection, Grant(own, ROOT, frozenset({Permission.UPDATE}), inherits=False))
    for held in (True, True, False, False):
        catalog.lake_roles.set("ada", LakeRole.RESOURCE_MANAGER, held=held)
        added = {Permission.ADD} if held else set()
        assert may(catalog) == Role.VIEWER.permissions | {Permission.UPDATE} | added


def test_a_user_manager_looks_after_users(catalog: Catalog) -> None:
    ada = catalog.lake_roles.set("ada", LakeRole.USER_MANAGER, held=True)
    assert ada.roles == (LakeRole.USER_MANAGER,)
    principal = catalog.people.principal_of("ada")
    assert (principal.manages_users, principal.administers) == (True, False)
    _, secret = catalog.tokens.make("ada", "laptop")
    assert catalog.tokens.principal_of(secret).manages_users
    assert may(catalog) == frozenset()
    catalog.lake_roles.set("ada", LakeRole.USER_MANAGER, held=False)
    assert not catalog.tokens.principal_of(secret).manages_users
    with pytest.raises(UserNotFoundError, match="no user bob"):
        catalog.lake_roles.set("bob", LakeRole.USER_MANAGER, held=True)


def test_a_user_is_deleted_with_all_that_only_they_had(catalog: Catalog) -> None:
    people = catalog.people
    people.add_user("bob")
    people.add_group("mappers", "bob")
    people.put_member("mappers", "ada")
    catalog.collections.add(["lab"], owner="ada")
    frame = catalog.frames.add(Frame("f", (0, 0, 0), (9, 9, 9), (1.0, 1.0, 1.0)), owner="ada")
    assert frame.group is not None
    _, secret = catalog.tokens.make("ada", "laptop")
    catalog.sessions.begin("ada")
    catalog.viewer_states.add("{}", people.get_user("ada").id, for_users=False)
    profile = Profile("https://id.example.org", "1", "ada")
    known = catalog.identities.principal_of(profile)
    assert known.name == "ada-2"
    for name in ("ada", "ada-2"):
        people.remove_user(name)
    with pytest.raises(UserNotFoundError):
        people.get_user("ada")
    with pytest.raises(UnauthenticatedError):
        catalog.tokens.principal_of(secret)
    assert [each.user for each in people.get_group("mappers").members] == ["bob"]
    assert catalog.frames.get("f").group is None
    # Another of the name has nothing of theirs.
    people.add_user("ada")
    assert may(catalog, "lab") == frozenset()
    assert catalog.identities.principal_of(profile).name == "ada-2"


def test_all_that_points_at_users_is_known() -> None:
    pointing = {
        table
        for table in metadata.sorted_tables
        for key in table.foreign_keys
        if key.column is users.c.id
    }
    # The ledger of jobs names who asked, and knows of no table of people.
    assert pointing | {jobs} == {*OF_USERS, *LEFT, groups}


def test_who_alone_owns_a_group_stays(catalog: Catalog) -> None:
    catalog.people.add_user("bob")
    catalog.people.add_group("mappers", "ada")
    with pytest.raises(ConflictError, match="alone owns mappers"):
        catalog.people.remove_user("ada")
    assert catalog.people.principal_of("ada").name == "ada"
