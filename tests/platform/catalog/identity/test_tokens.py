"""Tokens, on SQLite and on PostgreSQL."""

from __future__ import annotations

import string
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from voxlake.platform.access import Permission, Role
from voxlake.platform.catalog.identity.token_text import check_token, digest_of, new_token
from voxlake.platform.catalog.identity.tokens import TokenTerms
from voxlake.platform.catalog.tables import tokens
from voxlake.platform.database import now
from voxlake.platform.errors import InvalidInputError, NotFoundError, UnauthenticatedError
from voxlake.platform.nodes.tree import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxlake.platform.catalog import Catalog

HOUR = timedelta(hours=1)
ONE = new_token()


@pytest.fixture
def catalog(catalog: Catalog) -> Catalog:
    catalog.people.add_user("ada")
    catalog.people.add_user("bob")
    catalog.people.add_group("lab", "ada")
    return catalog


def test_who_carries_a_token_is_its_user(catalog: Catalog) -> None:
    token, secret = catalog.tokens.make("ada", "laptop")
    assert catalog.tokens.principal_of(secret) == catalog.people.principal_of("ada")
    assert (token.user, token.name) == ("ada", "laptop")
    assert secret.startswith(token.start)
    assert len(token.start) < 12


def test_a_token_may_be_good_for_less(catalog: Catalog) -> None:
    terms = TokenTerms(Role.VIEWER.permissions, ROOT, now() + HOUR)
    token, secret = catalog.tokens.make("ada", "share", terms)
    assert token.terms == terms
    principal = catalog.tokens.principal_of(secret)
    assert (principal.permissions, principal.within) == (Role.VIEWER.permissions, ROOT)


def test_no_secret_is_kept(catalog: Catalog) -> None:
    _, secret = catalog.tokens.make("ada", "laptop")
    with catalog.database.read() as connection:
        [row] = connection.execute(select(tokens)).all()
    assert row.digest == digest_of(secret)
    assert not any(secret[10:20] in str(value) for value in row)


@pytest.mark.parametrize(
    "terms",
    [TokenTerms(frozenset()), TokenTerms(ends_at=now()), TokenTerms(ends_at=now() - HOUR)],
)
def test_a_token_that_is_good_for_nothing_is_not_made(catalog: Catalog, terms: TokenTerms) -> None:
    with pytest.raises(InvalidInputError, match="good for nothing"):
        catalog.tokens.make("ada", "laptop", terms)
    assert catalog.tokens.list_tokens() == []


def test_a_revoked_token_is_nobodys(catalog: Catalog) -> None:
    token, secret = catalog.tokens.make("ada", "laptop")
    _, other = catalog.tokens.make("ada", "other")
    revoked = catalog.tokens.revoke(token.id)
    assert revoked.revoked_at is not None
    assert catalog.tokens.revoke(token.id) == revoked
    with pytest.raises(UnauthenticatedError, match="revoked"):
        catalog.tokens.principal_of(secret)
    assert catalog.tokens.principal_of(other).name == "ada"
    with pytest.raises(UnauthenticatedError, match="revoked"):
        catalog.tokens.rotate(token.id)


def test_a_token_ends(catalog: Catalog) -> None:
    token, secret = catalog.tokens.make("ada", "laptop", TokenTerms(ends_at=now() + HOUR))
    with catalog.database.write() as connection:
        connection.execute(update(tokens).values(ends_at=now()))
    with pytest.raises(UnauthenticatedError, match="is over"):
        catalog.tokens.principal_of(secret)
    with pytest.raises(UnauthenticatedError, match="is over"):
        catalog.tokens.rotate(token.id)


def test_a_token_is_rotated(catalog: Catalog) -> None:
    terms = TokenTerms(frozenset({Permission.READ}), ROOT)
    token, secret = catalog.tokens.make("ada", "laptop", terms)
    new, new_secret = catalog.tokens.rotate(token.id)
    assert (new.user, new.name, new.terms) == ("ada", "laptop", terms)
    assert new.id != token.id
    assert new_secret != secret
    assert catalog.tokens.principal_of(new_secret).name == "ada"
    with pytest.raises(UnauthenticatedError, match="revoked"):
        catalog.tokens.principal_of(secret)


def test_a_use_is_noted_once_a_minute(catalog: Catalog) -> None:
    token, secret = catalog.tokens.make("ada", "laptop")
    assert token.used_at is None
    catalog.tokens.principal_of(secret)
    [first] = catalog.tokens.list_tokens("ada")
    assert first.used_at is not None
    catalog.tokens.principal_of(secret)
    assert catalog.tokens.list_tokens("ada") == [first]
    with catalog.database.write() as connection:
        connection.execute(update(tokens).values(used_at=now() - HOUR))
    catalog.tokens.principal_of(secret)
    [later] = catalog.tokens.list_tokens("ada")
    assert later.used_at is not None
    assert later.used_at > now() - HOUR


def test_who_may_not_ask_has_no_token_that_helps(catalog: Catalog) -> None:
    _, secret = catalog.tokens.make("bob", "laptop")
    catalog.people.disable_user("bob")
    with pytest.raises(UnauthenticatedError, match="disabled"):
        catalog.tokens.principal_of(secret)
    assert catalog.tokens.list_tokens("ada") == []
    with pytest.raises(UnauthenticatedError, match="none of this lake"):
        catalog.tokens.principal_of(new_token())
    with pytest.raises(NotFoundError, match="no user no"):
        catalog.tokens.make("no", "laptop")
    for change in (catalog.tokens.revoke, catalog.tokens.rotate):
        with pytest.raises(NotFoundError, match="no token 99"):
            change(99)


def test_tokens_are_many() -> None:
    made = {new_token() for _ in range(1000)}
    assert len(made) == 1000
    assert {len(token) for token in made} == {53}
    assert set("".join(made)) == {"_", *string.ascii_letters, *string.digits}


@given(position=st.integers(0, len(ONE) - 1), other=st.sampled_from(string.printable))
def test_a_mistyped_token_is_seen_without_a_look(position: int, other: str) -> None:
    token = ONE[:position] + other + ONE[position + 1 :]
    if token != ONE:
        with pytest.raises(UnauthenticatedError, match="cut off or mistyped"):
            check_token(token)
    check_token(ONE)


@pytest.mark.parametrize(
    "mistype",
    [
        lambda _: "",
        lambda token: token[:-1],
        lambda token: token + "0",
        lambda token: " " + token,
        lambda token: token + "\n",
        lambda token: "x" * len(token),
        lambda _: "é",
    ],
)
def test_what_cannot_be_a_token(mistype: Callable[[str], str]) -> None:
    with pytest.raises(UnauthenticatedError, match="cut off or mistyped"):
        check_token(mistype(ONE))
