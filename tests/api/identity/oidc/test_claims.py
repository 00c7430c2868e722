"""What issuers say of people, where each of them puts it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxlake.api.identity.oidc.claims import ClaimPlaces, name_from, profile_of
from voxlake.platform.names import check_name

WHO = {"iss": "https://id.example.org", "sub": "248"}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from("abc.") | st.text(), inner),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("groups", {"groups": ["x", "y"]}),
        ("groups", {"groups": "x y"}),
        ("groups", {"groups": ["x", 7, None, ["z"], {"a": "b"}, "y", "bad\0", "\ud800"]}),
        ("realm_access.roles", {"realm_access": {"roles": ["x", "y"]}}),
        # As Keycloak has roles of a client, whose name may have dots.
        ("resource_access.my.lake.roles", {"resource_access": {"my.lake": {"roles": ["x", "y"]}}}),
        # As Auth0 has claims of one's own.
        ("https://lab.example.org/groups", {"https://lab.example.org/groups": ["x", "y"]}),
        ("a.b", {"a.b": ["x"], "a": {"b": ["y"]}}),
    ],
)
def test_groups_are_found_where_they_are(place: str, said: dict[str, Any]) -> None:
    profile = profile_of(ClaimPlaces(groups=(place,)), {**WHO, **said})
    assert profile.groups == {"x", "y"}


@pytest.mark.parametrize("said", [{}, {"groups": None}, {"groups": 7}, {"groups": {"x": 1}}])
def test_who_has_no_groups_has_none(said: dict[str, Any]) -> None:
    assert profile_of(ClaimPlaces(), {**WHO, **said}).groups == frozenset()


def test_groups_of_all_places_and_documents_count() -> None:
    places = ClaimPlaces(groups=("groups", "roles"), administrators=frozenset({"admin", "chief"}))
    profile = profile_of(places, {**WHO, "groups": ["x"]}, {"roles": "y admin", "sub": "other"})
    assert profile.groups == {"x", "y", "admin"}
    assert profile.is_administrator
    assert (profile.issuer, profile.subject) == (WHO["iss"], WHO["sub"])
    assert not profile_of(places, {**WHO, "groups": ["administrator", "ADMIN"]}).is_administrator


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ({"preferred_username": "ada", "name": "Ada L.", "email": "a@b"}, "ada"),
        ({"preferred_username": " ", "name": "Ada L."}, "Ada-L"),
        ({"preferred_username": ["ada"], "email": "ada@example.org"}, "ada-example-org"),
        ({"preferred_username": "../../root"}, "root"),
        ({}, "248"),
    ],
)
def test_people_are_named_by_what_there_is(said: dict[str, Any], name: str) -> None:
    assert profile_of(ClaimPlaces(), {**WHO, **said}).name == name


def test_full_name_and_mail_are_lines() -> None:
    said = {"name": "Ada\n\0 L.", "email": "x" * 1000}
    profile = profile_of(ClaimPlaces(), {**WHO, **said})
    assert (profile.full_name, profile.email) == ("Ada L.", "x" * 255)


@given(st.text())
def test_every_text_makes_a_name(text: str) -> None:
    name = name_from(text)
    assert check_name(name) == name
    assert name_from(name) == name


@given(st.dictionaries(st.sampled_from(["groups", "name", "a", "a.b"]) | st.text(), JSON))
def test_whatever_is_said_makes_a_profile(said: dict[str, Any]) -> None:
    profile = profile_of(ClaimPlaces(groups=("groups", "a.b.c")), {**said, **WHO})
    assert all(text.isprintable() for text in (*profile.groups, profile.full_name, profile.email))
