"""A token is never good for more than what it was asked with; and who says who is in a group."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxlake.platform.access import Permission, Principal, Role
from voxlake.platform.catalog.identity.handed_on import handed_on, is_own
from voxlake.platform.catalog.identity.person import Standing, may_set
from voxlake.platform.catalog.identity.tokens import Token, TokenTerms
from voxlake.platform.database import now
from voxlake.platform.errors import ForbiddenError
from voxlake.platform.nodes.changes import make_node

if TYPE_CHECKING:
    from voxlake.platform.catalog import Catalog

PATHS = [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), (1, 5), (1, 2, 6)]
START = now()

some_permissions = st.frozensets(st.sampled_from(Permission), min_size=1)
some_end = st.none() | st.sampled_from([START + timedelta(hours=hours) for hours in (1, 2, 3)])
some_path = st.sampled_from(PATHS)


def as_token(terms: TokenTerms, path: tuple[int, ...], user: str = "ada") -> Token:
    return Token(1, user, "x", "vxl_", terms, path, None, START, None, None)


@given(
    mine=st.tuples(some_permissions, some_path, some_end),
    asked=st.tuples(st.none() | some_permissions, some_path, some_end),
)
def test_what_is_handed_on_is_within(
    mine: tuple[frozenset[Permission], tuple[int, ...], object],
    asked: tuple[frozenset[Permission] | None, tuple[int, ...], object],
) -> None:
    permissions, path, ends_at = mine
    within = path[-1] if path else None
    who = Principal("ada", user=7, permissions=permissions, within=within, ends_at=ends_at)  # type: ignore[arg-type]  # of `some_end`
    wanted, place, end = asked
    fits = (
        (wanted is None or wanted <= permissions)
        and (not place or within is None or within in place)
        and (end is None or ends_at is None or end <= ends_at)  # type: ignore[operator]  # as above
    )
    if not fits:
        with pytest.raises(ForbiddenError, match="cannot be good for more"):
            handed_on(who, wanted, place, end)  # type: ignore[arg-type]  # as above
        return
    terms = handed_on(who, wanted, place, end)  # type: ignore[arg-type]  # as above
    token = as_token(terms, place or path)
    assert is_own(who, token)
    assert not is_own(who, replace(token, user="bob"))
    assert not is_own(replace(who, user=None), token)


def test_a_token_that_is_good_for_more_is_not_ones_own() -> None:
    end = START + timedelta(hours=1)
    who = Principal("ada", user=7, permissions=Role.VIEWER.permissions, within=2, ends_at=end)
    own = TokenTerms(Role.VIEWER.permissions, 3, end)
    assert is_own(who, as_token(own, (1, 2, 3)))
    for more, path in (
        (replace(own, permissions=Role.ANNOTATOR.permissions), (1, 2, 3)),
        (replace(own, ends_at=None), (1, 2, 3)),
        (replace(own, ends_at=end + timedelta(seconds=1)), (1, 2, 3)),
        (replace(own, node=1), (1,)),
        (replace(own, node=None), ()),
        (replace(own, node=5), (1, 5)),
    ):
        assert not is_own(who, as_token(more, path)), (more, path)


@pytest.mark.parametrize(
    ("asker", "before", "after", "may"),
    [
        ("owner", None, "owner", True),
        ("owner", "owner", None, True),
        ("maintainer", None, "member", True),
        ("maintainer", "member", None, True),
        ("maintainer", "member", "maintainer", False),
        ("maintainer", "maintainer", "member", False),
        ("maintainer", "owner", None, False),
        ("member", None, "member", False),
        (None, None, "member", False),
    ],
)
def test_who_says_who_is_in_a_group(
    asker: str | None, before: str | None, after: str | None, may: bool
) -> None:
    standings = (None if each is None else Standing(each) for each in (asker, before, after))
    assert may_set(*standings) is may


@pytest.fixture
def catalog(catalog: Catalog) -> Catalog:
    for name in ("Bob", "ada", "_x"[1:], "cy-1", "cy1"):
        catalog.people.add_user(name)
    return catalog


def test_pages_of_users_and_groups_follow_one_another(catalog: Catalog) -> None:
    names = sorted(user.name for user in catalog.people.list_users())
    assert [user.name for user in catalog.people.list_users()] == names
    for limit in (1, 2, 10):
        paged: list[str] = []
        while page := catalog.people.list_users(limit=limit, after=paged[-1] if paged else ""):
            paged += [user.name for user in page]
        assert paged == names
    first = catalog.people.list_groups(limit=2)
    rest = catalog.people.list_groups(after=first[-1].name)
    assert [group.name for group in (*first, *rest)] == sorted([*names, "public"])
    mine = catalog.people.list_groups(catalog.people.principal_of("ada"))
    assert [group.name for group in mine] == ["ada", "public"]


def test_a_token_knows_its_place(catalog: Catalog) -> None:
    with catalog.database.write() as connection:
        node = make_node(connection, "lab", "brain", "em")
    place = catalog.shares.find_place(["lab", "brain"])
    assert place is not None
    for terms, path, named in (
        (TokenTerms(), (), None),
        (TokenTerms(node=1), (1,), "/"),
        (TokenTerms(node=place.path[-1]), place.path, "lab/brain"),
        (TokenTerms(node=node), (*place.path, node), "lab/brain/em"),
    ):
        made, secret = catalog.tokens.make("ada", "x", terms)
        assert (made.path, made.place) == (path, named)
        assert catalog.tokens.get(made.id) == made
        assert catalog.tokens.principal_of(secret).within == terms.node
    assert [each.name for each in catalog.tokens.list_tokens("ada", limit=2, after=1)] == ["x", "x"]
