"""People of an issuer, on SQLite and on PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from voxlake.platform.access import PUBLIC
from voxlake.platform.catalog.identity import identities
from voxlake.platform.catalog.identity.person import Profile
from voxlake.platform.errors import ConflictError, InvalidInputError, UnauthenticatedError

if TYPE_CHECKING:
    from voxlake.platform.catalog import Catalog

ISSUER = "https://id.example.org/realms/lab"
ADA = Profile(ISSUER, "248-a", "ada", full_name="Ada L.", email="ada@example.org")


def test_who_is_seen_first_becomes_a_user(catalog: Catalog) -> None:
    ada = catalog.identities.user_of(ADA)
    assert (ada.name, ada.full_name, ada.email) == ("ada", "Ada L.", "ada@example.org")
    assert not ada.is_administrator
    assert catalog.identities.user_of(ADA) == ada
    assert catalog.people.list_users() == [ada]
    assert catalog.people.get_group("ada").is_personal
    [entry] = [each for each in catalog.audit.list_entries() if each.action == "add user"]
    assert (entry.by, entry.subject, entry.detail) == ("ada", "ada", f"of {ISSUER}")


def test_a_name_makes_nobody_somebody_else(catalog: Catalog) -> None:
    there = catalog.people.add_user("ada", email="ada@example.org", administrator=True)
    catalog.people.add_group("lab", "ada")
    found = catalog.identities.principal_of(ADA)
    assert (found.name, found.is_owner) == ("ada-2", False)
    assert catalog.people.get_user("ada") == there
    assert catalog.identities.user_of(replace(ADA, subject="248-b")).name == "ada-3"
    assert catalog.identities.user_of(replace(ADA, issuer="https://other")).name == "ada-4"
    assert catalog.identities.user_of(replace(ADA, subject="1", name="lab")).name == "lab-2"
    assert catalog.identities.user_of(replace(ADA, subject="2", name="public")).name == "public-2"
    assert catalog.identities.user_of(replace(ADA, subject="A", name="Ada")).name == "Ada-5"
    long = "x" * 255
    for subject, name in (("3", long), ("4", "x" * 240 + "-2")):
        assert catalog.identities.user_of(replace(ADA, subject=subject, name=long)).name == name


def test_another_name_at_the_issuer_is_the_same_person(catalog: Catalog) -> None:
    ada = catalog.identities.user_of(ADA)
    married = replace(ADA, name="ada-k", full_name="Ada K.", email="")
    again = catalog.identities.user_of(married)
    assert (again.id, again.name, again.full_name) == (ada.id, "ada", "Ada K.")
    assert again.email == "ada@example.org"
    assert len(catalog.people.list_users()) == 1


def test_groups_of_the_issuer(catalog: Catalog) -> None:
    catalog.people.add_user("root")
    for name in ("mappers", "tracers", "others"):
        catalog.people.add_group(name, "root")
    mappers = catalog.people.map_group("mappers", "/lab/mappers")
    tracers = catalog.people.map_group("tracers", "tracers")
    assert (mappers.claim, mappers.members) == ("/lab/mappers", tracers.members)
    own = catalog.identities.principal_of(ADA).groups
    assert own == {PUBLIC, catalog.people.get_group("ada").id}
    carried = replace(ADA, groups=frozenset({"/lab/mappers", "unknown", "others"}))
    assert catalog.identities.principal_of(carried).groups == {*own, mappers.id}
    # What is in the token is so for as long as the token is: nothing is written.
    assert catalog.identities.principal_of(ADA).groups == own
    assert catalog.people.get_group("mappers").members == tracers.members
    catalog.people.put_member("tracers", "ada")
    assert catalog.identities.principal_of(carried).groups == {*own, mappers.id, tracers.id}
    catalog.people.unmap_group("mappers")
    assert catalog.identities.principal_of(carried).groups == {*own, tracers.id}


def test_tokens_have_the_groups_that_the_issuer_told_of_last(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog.people.add_user("root")
    catalog.people.add_group("mappers", "root")
    mappers = catalog.people.map_group("mappers", "/lab/mappers")
    carried = replace(ADA, groups=frozenset({"/lab/mappers", "x"}), is_administrator=True)
    catalog.identities.user_of(carried)
    _, secret = catalog.tokens.make("ada", "laptop")
    found = catalog.tokens.principal_of(secret)
    assert mappers.id in found.groups
    assert not found.is_owner
    catalog.identities.principal_of(ADA)  # they have left it, and signed in again
    assert mappers.id not in catalog.tokens.principal_of(secret).groups
    catalog.identities.principal_of(carried)
    assert mappers.id in catalog.tokens.principal_of(secret).groups
    monkeypatch.setattr(identities, "CLAIMED", timedelta(0))  # they were not seen for long
    assert mappers.id not in catalog.tokens.principal_of(secret).groups


def test_a_value_stands_for_one_group(catalog: Catalog) -> None:
    catalog.people.add_user("root")
    catalog.people.add_group("one", "root")
    catalog.people.add_group("two", "root")
    catalog.people.map_group("one", "x")
    assert catalog.people.map_group("one", "x").claim == "x"
    with pytest.raises(ConflictError, match="group one stands for 'x' already"):
        catalog.people.map_group("two", "x")
    catalog.people.unmap_group("one")
    assert catalog.people.map_group("two", "x").claim == "x"
    for value in ("", " ", "a\0", "x" * 1025):
        with pytest.raises(InvalidInputError, match="names no group of an issuer"):
            catalog.people.map_group("one", value)
    for name in ("public", "root"):
        with pytest.raises(ConflictError, match="stays as it is"):
            catalog.people.map_group(name, "y")


def test_administrators_are_so_for_as_long_as_the_issuer_says(catalog: Catalog) -> None:
    assert catalog.identities.principal_of(replace(ADA, is_administrator=True)).is_owner
    assert not catalog.identities.principal_of(ADA).is_owner
    assert not catalog.people.get_user("ada").is_administrator


def test_who_is_disabled_is_nobody(catalog: Catalog) -> None:
    catalog.identities.user_of(ADA)
    catalog.people.disable_user("ada")
    with pytest.raises(UnauthenticatedError, match="ada is disabled"):
        catalog.identities.principal_of(replace(ADA, is_administrator=True))


def test_many_who_come_at_once_are_each_one_user(catalog: Catalog) -> None:
    people = [replace(ADA, subject=f"{number % 4}") for number in range(24)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(catalog.identities.user_of, people))
    assert {user.name for user in found} == {"ada", "ada-2", "ada-3", "ada-4"}
    assert len(catalog.people.list_users()) == 4
    assert [user.name for user in found[:4]] == [user.name for user in found[4:8]]
