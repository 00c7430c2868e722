"""Decisions, as a table; and that an access comes from a guard alone."""

from __future__ import annotations

import pickle
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from voxlake.platform.access import (
    ANONYMOUS,
    Access,
    Decision,
    Permission,
    Principal,
    authorize,
    decide,
)
from voxlake.platform.catalog import DatasetRecord, DatasetState
from voxlake.platform.errors import (
    ForbiddenError,
    NotFoundError,
    UnauthenticatedError,
    VoxlakeError,
)
from voxlake.platform.names import DatasetName

OWNER = Principal("ada", is_owner=True)
GUEST = Principal("bob")
READS = {Permission.READ, Permission.READ_VOLUMETRIC_DATA}
WRITES = set(Permission) - READS
NAME = DatasetName.parse("c/e/d")

TABLE = [
    (OWNER, set(Permission), True, Decision.ALLOWED),
    (OWNER, set(Permission), False, Decision.ALLOWED),
    (ANONYMOUS, READS, True, Decision.ALLOWED),
    (ANONYMOUS, WRITES, True, Decision.UNAUTHENTICATED),
    (ANONYMOUS, set(Permission), False, Decision.UNAUTHENTICATED),
    (GUEST, READS, True, Decision.ALLOWED),
    (GUEST, WRITES, True, Decision.FORBIDDEN),
    (GUEST, set(Permission), False, Decision.HIDDEN),
]
CASES = [(who, one, public, want) for who, many, public, want in TABLE for one in sorted(many)]


def test_the_permissions_are_the_nine_of_bossdb() -> None:
    assert [str(one) for one in Permission] == [
        "read",
        "add",
        "update",
        "delete",
        "assign_group",
        "remove_group",
        "read_volumetric_data",
        "add_volumetric_data",
        "delete_volumetric_data",
    ]


@pytest.mark.parametrize(("principal", "permission", "public", "want"), CASES)
def test_decide(principal: Principal, permission: Permission, public: bool, want: Decision) -> None:
    assert decide(principal, permission, public) is want


def test_the_table_is_whole() -> None:
    assert len(CASES) == 3 * len(Permission) * 2


@pytest.mark.parametrize("permission", Permission)
def test_a_grant_gives_what_it_names_and_no_more(permission: Permission) -> None:
    granted = frozenset({permission})
    for asked in Permission:
        allowed = decide(GUEST, asked, False, granted) is Decision.ALLOWED
        assert allowed == (asked is permission)
    hidden = decide(GUEST, Permission.ADD, False, granted)
    assert (hidden is Decision.FORBIDDEN) == (permission is Permission.READ) or (
        permission is Permission.ADD
    )


def record(*, public: bool) -> DatasetRecord:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    return DatasetRecord(NAME, "image", None, "c/e/d", DatasetState.READY, public, moment)


def test_authorize_gives_an_access() -> None:
    access = authorize(ANONYMOUS, Permission.READ, NAME, record(public=True))
    assert access.dataset == record(public=True)
    assert (access.principal, access.permission) == (ANONYMOUS, Permission.READ)


@pytest.mark.parametrize(
    ("principal", "public", "error"),
    [
        (ANONYMOUS, True, UnauthenticatedError),
        (ANONYMOUS, False, UnauthenticatedError),
        (GUEST, True, ForbiddenError),
        (GUEST, False, NotFoundError),
    ],
)
def test_authorize_refuses(principal: Principal, public: bool, error: type[VoxlakeError]) -> None:
    with pytest.raises(error):
        authorize(principal, Permission.ADD, NAME, record(public=public))


@pytest.mark.parametrize("principal", [ANONYMOUS, GUEST])
def test_hidden_and_absent_are_the_same(principal: Principal) -> None:
    words = []
    for found in (None, record(public=False)):
        with pytest.raises(VoxlakeError) as caught:
            authorize(principal, Permission.READ, NAME, found)
        words.append((type(caught.value), str(caught.value)))
    assert words[0] == words[1]


def test_what_is_absent_is_absent_for_the_owner_too() -> None:
    with pytest.raises(NotFoundError):
        authorize(OWNER, Permission.READ, NAME, None)


def test_nobody_else_makes_an_access() -> None:
    with pytest.raises(TypeError, match="authorize"):
        Access(OWNER, Permission.READ, record(public=True), object())
    access = authorize(ANONYMOUS, Permission.READ, NAME, record(public=True))
    with pytest.raises((TypeError, ValueError)):
        replace(access, permission=Permission.DELETE)  # type: ignore[call-arg]  # that is the point
    assert pickle.loads(pickle.dumps(OWNER)) == OWNER
