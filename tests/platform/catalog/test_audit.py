"""The audit says who changed what, and stays as it is, on SQLite and on PostgreSQL."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from voxlake.platform.access import Role
from voxlake.platform.catalog import Catalog, DatasetRecord, DatasetState
from voxlake.platform.database import now
from voxlake.platform.errors import ConflictError, VoxlakeError
from voxlake.platform.names import DatasetName

EM = DatasetName("lab", "brain", "em")


def told(catalog: Catalog) -> list[tuple[str, str, str, str]]:
    entries = reversed(catalog.audit.list_entries())
    return [(one.by, one.action, one.subject, one.detail) for one in entries]


def test_every_change_is_told(catalog: Catalog) -> None:
    ada, bob = catalog.signed("ada"), catalog.signed("bob")
    ada.people.add_user("ada", administrator=True)
    ada.people.add_user("bob")
    ada.people.add_group("mappers", "ada")
    ada.people.put_member("mappers", "bob")
    state = DatasetState.READY
    bob.add_dataset(DatasetRecord(EM, "image", None, "x", state, False, now()))
    node = catalog.get_dataset(EM).node
    bob.set_public(EM, public=True)
    bob.shares.share(EM.parts, "mappers", Role.EDITOR)
    bob.move_dataset(EM, EM.sibling("raw"))
    ada.shares.unshare(EM.sibling("raw").parts, "mappers")
    token, secret = ada.tokens.make("bob", "laptop")
    ada.tokens.revoke(token.id)
    ada.people.drop_member("mappers", "bob")
    ada.people.remove_group("mappers")
    ada.people.disable_user("bob")
    bob.remove_dataset(EM.sibling("raw"))
    assert told(catalog) == [
        ("ada", "add user", "ada", "administrator"),
        ("ada", "add user", "bob", ""),
        ("ada", "add group", "mappers", "owner ada"),
        ("ada", "put into group", "mappers", "member bob"),
        ("bob", "add dataset", "lab/brain/em", ""),
        ("bob", "publish dataset", "lab/brain/em", ""),
        ("bob", "share", "lab/brain/em", "editor mappers"),
        ("bob", "rename dataset", "lab/brain/raw", "before lab/brain/em"),
        ("ada", "unshare", "lab/brain/raw", "mappers"),
        ("ada", "make token", str(token.id), "laptop of bob"),
        ("ada", "revoke token", str(token.id), ""),
        ("ada", "drop from group", "mappers", "bob"),
        ("ada", "remove group", "mappers", ""),
        ("ada", "disable user", "bob", ""),
        ("bob", "remove dataset", "lab/brain/raw", ""),
    ]
    about = {one.action for one in catalog.audit.list_entries() if one.node == node}
    assert about == {f"{word} dataset" for word in ("add", "publish", "rename", "remove")} | {
        "share",
        "unshare",
    }
    assert secret not in str(catalog.audit.list_entries())


def test_what_was_refused_is_no_change(catalog: Catalog) -> None:
    catalog.people.add_user("ada")
    with pytest.raises(ConflictError):
        catalog.people.add_user("ada")
    with pytest.raises(ConflictError):
        catalog.people.remove_group("ada")
    assert len(told(catalog)) == 1


def test_it_is_read_in_pages(catalog: Catalog) -> None:
    for number in range(7):
        catalog.people.add_user(f"user-{number}")
    pages, before = [], None
    while page := catalog.audit.list_entries(limit=3, before=before):
        pages.append([one.subject for one in page])
        before = page[-1].id
    assert pages == [
        ["user-6", "user-5", "user-4"],
        ["user-3", "user-2", "user-1"],
        ["user-0"],
    ]


@pytest.mark.parametrize("change", ["UPDATE audit SET by = 'x'", "DELETE FROM audit"])
def test_the_database_keeps_it_as_it_is(catalog: Catalog, change: str) -> None:
    catalog.people.add_user("ada")
    before = catalog.audit.list_entries()
    with pytest.raises(VoxlakeError, match="only added to"), catalog.database.write() as connection:
        connection.execute(text(change))
    assert catalog.audit.list_entries() == before
