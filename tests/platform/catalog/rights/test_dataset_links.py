"""Links to datasets, on SQLite and on PostgreSQL: no right but their maker's."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from voxlake.platform.access import Permission, Principal, Role
from voxlake.platform.catalog import Catalog, DatasetRecord, DatasetState
from voxlake.platform.catalog.rights.links import LONGEST, READS, LinkTerms
from voxlake.platform.catalog.tables import links
from voxlake.platform.database import now
from voxlake.platform.errors import (
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    UnauthenticatedError,
)
from voxlake.platform.names import DatasetName
from voxlake.platform.portion import Portion

if TYPE_CHECKING:
    from collections.abc import Callable


EM, OTHER = DatasetName("lab", "brain", "em"), DatasetName("lab", "brain", "other")
PLACE = list(EM.parts)
HOUR = timedelta(hours=1)


@pytest.fixture
def catalog(catalog: Catalog) -> Catalog:
    for name in (EM, OTHER):
        record = DatasetRecord(
            name, "image", None, str(name), DatasetState.READY, False, datetime.now(UTC)
        )
        catalog.add_dataset(record)
    for user in ("ada", "bob"):
        catalog.people.add_user(user)
    catalog.people.add_user("root", administrator=True)
    catalog.shares.share(PLACE, "ada", Role.OWNER)
    catalog.shares.share(PLACE, "bob", Role.EDITOR)
    return catalog


def terms(**others: object) -> LinkTerms:
    return replace(LinkTerms(now() + HOUR), **others)  # type: ignore[arg-type]  # any of them


@pytest.mark.parametrize("user", ["ada", "root", None])
def test_who_holds_one_is_its_maker_and_only_reads(catalog: Catalog, user: str | None) -> None:
    link = catalog.links.make(EM, user, terms(note="for the reviewers"))
    holder = catalog.links.principal_of(link.serial)
    assert (holder.permissions, holder.within) == (READS, link.node)
    assert holder.name == f"link {link.id}"
    assert holder.portion is None
    em, other = catalog.get_protected(EM), catalog.get_protected(OTHER)
    for permission in Permission:
        assert em.decide(holder, permission).name == (
            "ALLOWED" if permission in READS else "FORBIDDEN"
        )
        assert other.decide(holder, permission).name == "HIDDEN"
        allowed = catalog.list_allowed(holder, permission)
        assert [each.name for each in allowed] == ([EM] if permission in READS else [])


def test_a_part_goes_along(catalog: Catalog) -> None:
    portion = Portion(2, (("z", 0, 8),))
    link = catalog.links.make(EM, "ada", terms(portion=portion))
    assert catalog.links.list_links(EM) == [link]
    assert catalog.links.principal_of(link.serial).portion == portion


def test_only_who_may_share_makes_one(catalog: Catalog) -> None:
    with pytest.raises(ForbiddenError, match="bob may not make links to lab/brain/em"):
        catalog.links.make(EM, "bob", terms())
    with pytest.raises(ForbiddenError):
        catalog.links.make(OTHER, "ada", terms())
    with pytest.raises(NotFoundError, match="no user carol"):
        catalog.links.make(EM, "carol", terms())
    with pytest.raises(NotFoundError, match="no dataset"):
        catalog.links.make(DatasetName("lab", "brain", "absent"), "ada", terms())
    catalog.people.disable_user("ada")
    with pytest.raises(UnauthenticatedError, match="disabled"):
        catalog.links.make(EM, "ada", terms())
    assert catalog.links.list_links(EM) == []


@pytest.mark.parametrize("lasts", [timedelta(), -HOUR, LONGEST + HOUR])
def test_it_ends_in_time(catalog: Catalog, lasts: timedelta) -> None:
    with pytest.raises(InvalidInputError, match="within 366 days"):
        catalog.links.make(EM, "ada", LinkTerms(now() + lasts))


def disabled(catalog: Catalog) -> None:
    catalog.people.disable_user("ada")


def unshared(catalog: Catalog) -> None:
    catalog.shares.unshare(PLACE, "ada")


def reader_alone(catalog: Catalog) -> None:
    catalog.shares.share(PLACE, "ada", Role.VIEWER)


def revoked(catalog: Catalog) -> None:
    catalog.links.revoke(EM, 1)


def removed(catalog: Catalog) -> None:
    catalog.remove_dataset(EM)


def ended(catalog: Catalog) -> None:
    with catalog.database.write() as connection:
        connection.execute(update(links).values(ends_at=now()))


@pytest.mark.parametrize(
    "change",
    [disabled, unshared, reader_alone, revoked, removed, ended],
    ids=lambda one: one.__name__,
)
def test_it_dies(catalog: Catalog, change: Callable[[Catalog], None]) -> None:
    link = catalog.links.make(EM, "ada", terms())
    assert isinstance(catalog.links.principal_of(link.serial), Principal)
    change(catalog)
    with pytest.raises(UnauthenticatedError, match=r"^the link [^:]*(:|;)") as refused:
        catalog.links.principal_of(link.serial)
    assert "ada" not in str(refused.value)
    with pytest.raises(UnauthenticatedError):
        catalog.links.principal_of("of no link")


def test_it_lives_again_with_its_maker(catalog: Catalog) -> None:
    link = catalog.links.make(EM, "ada", terms())
    catalog.people.disable_user("ada")
    catalog.people.disable_user("ada", disabled=False)
    assert catalog.links.principal_of(link.serial).within == link.node


@pytest.mark.parametrize("text", ["two\nlines", "\x1b[2J", "a\x00b", "x" * 201])
def test_notes_and_titles_are_lines(catalog: Catalog, text: str) -> None:
    for what in ("note", "title"):
        with pytest.raises(InvalidInputError, match=f"a {what} of {len(text)} characters"):
            catalog.links.make(EM, "ada", terms(**{what: text}))
    assert catalog.links.list_links(EM) == []


def test_a_title_is_kept_as_it_is(catalog: Catalog) -> None:
    title = "\"'><svg/onload=x>%00\\u0000 {{7*7}} \u202e\U0001f9e0"
    link = catalog.links.make(EM, "ada", terms(title=title))
    assert catalog.links.title_of(link.serial) == title
    assert catalog.links.revoke(EM, link.id).terms.title == title
    assert catalog.links.title_of("none") == ""


def test_a_rename_is_no_matter(catalog: Catalog) -> None:
    link = catalog.links.make(EM, "ada", terms())
    catalog.move_dataset(EM, DatasetName("lab", "brain", "raw"))
    catalog.move_dataset(OTHER, EM)
    holder = catalog.links.principal_of(link.serial)
    assert catalog.get_protected(EM).decide(holder, Permission.READ).name == "HIDDEN"
    assert [each.name.dataset for each in catalog.list_allowed(holder, Permission.READ)] == ["raw"]


def test_one_is_revoked_where_it_leads(catalog: Catalog) -> None:
    first = catalog.links.make(EM, "ada", terms())
    second = catalog.links.make(EM, None, terms())
    with pytest.raises(NotFoundError, match=f"no link {first.id} to lab/brain/other"):
        catalog.links.revoke(OTHER, first.id)
    at = catalog.links.revoke(EM, first.id).revoked_at
    assert at is not None
    assert catalog.links.revoke(EM, first.id).revoked_at == at
    assert catalog.links.principal_of(second.serial).is_owner
    told = [(one.action, one.subject) for one in catalog.audit.list_entries(limit=4)]
    assert told[-1] == ("make link", "1 to lab/brain/em")
    assert told[0] == ("revoke link", "1 to lab/brain/em")


def test_what_is_kept_opens_nothing(catalog: Catalog) -> None:
    """The serial is of use to who has the key alone; no token and no key is kept."""
    catalog.links.make(EM, "ada", terms())
    with catalog.database.read() as connection:
        [row] = connection.execute(select(links)).all()
    assert not any(isinstance(value, str) and value.count(".") == 2 for value in row)
