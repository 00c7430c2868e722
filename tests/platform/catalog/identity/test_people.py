"""Users and groups, on SQLite and on PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from voxlake.platform.access import PUBLIC, Grant, Permission
from voxlake.platform.catalog.identity.person import Member, Standing
from voxlake.platform.catalog.rights.grants import put_grant, read_grants
from voxlake.platform.errors import (
    ConflictError,
    InvalidNameError,
    NotFoundError,
    UnauthenticatedError,
)
from voxlake.platform.nodes.tree import ROOT

if TYPE_CHECKING:
    from voxlake.platform.catalog import Catalog
    from voxlake.platform.catalog.identity.people import People


@pytest.fixture
def people(catalog: Catalog) -> People:
    return catalog.people


def test_a_user_has_a_group_of_their_own(people: People) -> None:
    ada = people.add_user("ada", full_name="Ada L.", email="ada@example.org", administrator=True)
    assert people.get_user("ada") == ada
    assert (ada.full_name, ada.email, ada.is_administrator) == ("Ada L.", "ada@example.org", True)
    people.add_user("Bob")
    assert [user.name for user in people.list_users()] == ["Bob", "ada"]
    own = people.get_group("ada")
    assert own.is_personal
    assert own.members == (Member("ada", Standing.OWNER),)
    principal = people.principal_of("ada")
    assert (principal.name, principal.is_owner) == ("ada", True)
    assert principal.groups == {PUBLIC, own.id}
    assert not people.principal_of("Bob").is_owner


@pytest.mark.parametrize("name", ["ada", "lab", "public"])
def test_a_name_is_of_one_user_or_group(people: People, name: str) -> None:
    people.add_user("ada")
    people.add_group("lab", "ada")
    with pytest.raises(ConflictError, match=f"{name} already"):
        people.add_user(name)
    with pytest.raises(ConflictError, match=f"{name} already"):
        people.add_group(name, "ada")
    assert len(people.list_users()) == 1


@pytest.mark.parametrize(("name", "taken"), [("Ada", "ada"), ("LAB", "lab"), ("Public", "public")])
def test_capitals_make_no_other_name(people: People, name: str, taken: str) -> None:
    people.add_user("ada")
    people.add_group("lab", "ada")
    for add in (people.add_user, lambda name: people.add_group(name, "ada")):
        with pytest.raises(ConflictError, match=f"{taken} already, and capitals make no other"):
            add(name)
    with pytest.raises(NotFoundError):
        people.get_user("Ada")


def test_of_many_who_want_a_name_one_has_it(people: People) -> None:
    names = ["ann", "Ann", "aNN", "ANN"]

    def add(name: str) -> bool:
        try:
            people.add_user(name)
        except ConflictError:
            return False
        return True

    with ThreadPoolExecutor(len(names)) as threads:
        assert sorted(threads.map(add, names)) == [False, False, False, True]
    assert len(people.list_users()) == 1


@pytest.mark.parametrize("name", ["", "a b", "-x", "a/b", "é"])
def test_names_are_names(people: People, name: str) -> None:
    people.add_user("ada")
    with pytest.raises(InvalidNameError):
        people.add_user(name)
    with pytest.raises(InvalidNameError):
        people.add_group(name, "ada")


def test_who_is_in_a_group(people: People) -> None:
    for name in ("ada", "bob", "cy"):
        people.add_user(name)
    lab = people.add_group("lab", "ada")
    assert lab.members == (Member("ada", Standing.OWNER),)
    people.put_member("lab", "cy")
    people.put_member("lab", "bob", Standing.MAINTAINER)
    people.put_member("lab", "cy", Standing.OWNER)
    assert people.get_group("lab").members == (
        Member("ada", Standing.OWNER),
        Member("bob", Standing.MAINTAINER),
        Member("cy", Standing.OWNER),
    )
    assert [group.name for group in people.list_groups()] == ["ada", "bob", "cy", "lab", "public"]
    assert people.principal_of("bob").groups == {PUBLIC, people.get_group("bob").id, lab.id}
    people.drop_member("lab", "ada")
    with pytest.raises(NotFoundError, match="ada is not in group lab"):
        people.drop_member("lab", "ada")


def test_a_group_has_an_owner(people: People) -> None:
    people.add_user("ada")
    people.add_user("bob")
    people.add_group("lab", "ada")
    people.put_member("lab", "bob")
    with pytest.raises(ConflictError, match="without an owner"):
        people.drop_member("lab", "ada")
    with pytest.raises(ConflictError, match="without an owner"):
        people.put_member("lab", "ada", Standing.MAINTAINER)
    assert [member.standing for member in people.get_group("lab").members] == ["owner", "member"]


@pytest.mark.parametrize("name", ["public", "ada"])
def test_some_groups_stay_as_they_are(people: People, name: str) -> None:
    people.add_user("ada")
    people.add_user("bob")
    for change in (
        lambda: people.put_member(name, "bob"),
        lambda: people.drop_member(name, "ada"),
        lambda: people.remove_group(name),
    ):
        with pytest.raises(ConflictError, match="stays as it is"):
            change()


def test_a_group_goes_with_its_grants(catalog: Catalog, people: People) -> None:
    people.add_user("ada")
    lab, kept = people.add_group("lab", "ada"), people.add_group("kept", "ada")
    with catalog.database.write() as connection:
        for group in (lab, kept):
            put_grant(connection, Grant(group.id, ROOT, frozenset({Permission.READ})))
    people.remove_group("lab")
    with catalog.database.read() as connection:
        assert [grant.group for grant in read_grants(connection, [ROOT])] == [kept.id]
    with pytest.raises(NotFoundError, match="no group lab"):
        people.get_group("lab")
    assert people.add_group("lab", "ada").id > kept.id


def test_a_disabled_user_is_nobody(people: People) -> None:
    people.add_user("ada")
    assert people.disable_user("ada").disabled_at is not None
    with pytest.raises(UnauthenticatedError, match="ada is disabled"):
        people.principal_of("ada")
    people.disable_user("ada", disabled=False)
    assert people.principal_of("ada").name == "ada"


def test_who_is_not_there(people: People) -> None:
    people.add_user("ada")
    for ask in (
        lambda: people.get_user("no"),
        lambda: people.principal_of("no"),
        lambda: people.disable_user("no"),
        lambda: people.add_group("lab", "no"),
        lambda: people.get_group("no"),
        lambda: people.remove_group("no"),
        lambda: people.put_member("no", "ada"),
    ):
        with pytest.raises(NotFoundError, match=r"no (user|group) no"):
            ask()
