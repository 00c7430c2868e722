"""Sessions, on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from voxlake.platform.catalog.identity import sessions
from voxlake.platform.catalog.identity.sessions import IDLE, LONGEST
from voxlake.platform.catalog.tables import sessions as table
from voxlake.platform.database import now
from voxlake.platform.errors import NotFoundError, UnauthenticatedError

if TYPE_CHECKING:
    from datetime import datetime

    from voxlake.platform.catalog import Catalog

MINUTE = timedelta(minutes=1)


@pytest.fixture
def catalog(catalog: Catalog) -> Catalog:
    catalog.people.add_user("ada")
    catalog.people.add_user("bob")
    return catalog


def later(monkeypatch: pytest.MonkeyPatch, time: timedelta) -> datetime:
    """Let it be so much later, and return the moment."""
    moment = now() + time
    monkeypatch.setattr(sessions, "now", lambda: moment)
    return moment


def test_who_is_signed_in_is_themselves(catalog: Catalog) -> None:
    ada, bob = catalog.sessions.begin("ada"), catalog.sessions.begin("bob")
    assert catalog.sessions.principal_of(ada) == catalog.people.principal_of("ada")
    assert catalog.sessions.principal_of(bob) == catalog.people.principal_of("bob")
    assert [one.user for one in catalog.sessions.list_sessions()] == ["ada", "bob"]
    assert [one.user for one in catalog.sessions.list_sessions("bob")] == ["bob"]


def test_the_issuer_may_make_them_an_administrator(catalog: Catalog) -> None:
    secret = catalog.sessions.begin("ada", ["staff"], administrator=True)
    principal = catalog.sessions.principal_of(secret)
    assert principal is not None
    assert principal.is_owner
    assert not catalog.people.principal_of("ada").is_owner


@pytest.mark.parametrize("secret", ["", "x", "a" * 5000, "é", "' or 1=1 --"])
def test_another_text_is_nobodys(catalog: Catalog, secret: str) -> None:
    catalog.sessions.begin("ada")
    assert catalog.sessions.principal_of(secret) is None


def test_no_secret_is_kept(catalog: Catalog) -> None:
    secret = catalog.sessions.begin("ada", ["staff"])
    with catalog.database.read() as connection:
        [row] = connection.execute(select(table)).all()
    assert not any(secret[10:20] in str(value) for value in row)
    assert not any(secret[10:20] in str(entry) for entry in catalog.audit.list_entries())


def test_it_is_over_after_a_day_whatever_is_asked(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = catalog.sessions.begin("ada")
    for seen in range(1, 1 + LONGEST // IDLE):
        later(monkeypatch, seen * (IDLE - MINUTE))
        assert catalog.sessions.principal_of(secret) is not None
    later(monkeypatch, LONGEST)
    assert catalog.sessions.principal_of(secret) is None
    assert catalog.sessions.list_sessions() == []


def test_it_is_over_when_nothing_is_asked_for_hours(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = catalog.sessions.begin("ada")
    later(monkeypatch, IDLE - MINUTE)
    assert catalog.sessions.principal_of(secret) is not None
    later(monkeypatch, 2 * IDLE - 2 * MINUTE)
    assert catalog.sessions.principal_of(secret) is not None
    later(monkeypatch, 3 * IDLE - 2 * MINUTE)
    assert catalog.sessions.principal_of(secret) is None


def test_it_is_noted_to_the_minute_that_it_was_seen(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = catalog.sessions.begin("ada")
    [begun] = catalog.sessions.list_sessions()
    later(monkeypatch, MINUTE / 2)
    catalog.sessions.principal_of(secret)
    assert catalog.sessions.list_sessions() == [begun]
    moment = later(monkeypatch, 2 * MINUTE)
    catalog.sessions.principal_of(secret)
    assert catalog.sessions.list_sessions()[0].seen_at == moment


def test_what_is_over_is_not_kept(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    catalog.sessions.begin("ada")
    later(monkeypatch, LONGEST)
    catalog.sessions.begin("bob")
    with catalog.database.read() as connection:
        assert len(connection.execute(select(table)).all()) == 1


def test_one_is_ended_and_no_other(catalog: Catalog) -> None:
    first, second = catalog.sessions.begin("ada"), catalog.sessions.begin("ada")
    catalog.sessions.sign_out(first)
    assert catalog.sessions.principal_of(first) is None
    [left] = catalog.sessions.list_sessions()
    catalog.sessions.sign_out(first)
    catalog.sessions.end(left.id)
    assert catalog.sessions.principal_of(second) is None
    with pytest.raises(NotFoundError, match="no session"):
        catalog.sessions.end(left.id)
    actions = [entry.action for entry in catalog.audit.list_entries(limit=4)]
    assert actions == ["end session"] * 2 + ["begin session"] * 2


def test_who_is_disabled_is_signed_out_for_good(catalog: Catalog) -> None:
    ada, bob = catalog.sessions.begin("ada"), catalog.sessions.begin("bob")
    catalog.people.disable_user("ada")
    assert catalog.sessions.principal_of(ada) is None
    with pytest.raises(UnauthenticatedError, match="disabled"):
        catalog.sessions.begin("ada")
    catalog.people.disable_user("ada", disabled=False)
    assert catalog.sessions.principal_of(ada) is None
    assert catalog.sessions.principal_of(bob) is not None


def test_only_users_sign_in(catalog: Catalog) -> None:
    with pytest.raises(NotFoundError, match="no user"):
        catalog.sessions.begin("eve")
