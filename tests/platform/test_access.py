"""Decisions, as a table; and that an access comes from a guard alone."""

from __future__ import annotations

import pickle
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from voxlake.platform.access import (
    ANONYMOUS,
    PUBLIC,
    Access,
    Add,
    Decision,
    Grant,
    Permission,
    Principal,
    Protected,
    Read,
    Role,
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
GUEST = Principal("bob", groups=frozenset({PUBLIC, 5}))
READS = {Permission.READ, Permission.READ_VOLUMETRIC_DATA}
WRITES = set(Permission) - READS
NAME = DatasetName.parse("c/e/d")
NOW = datetime(2026, 5, 6, 7, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
PATH = (1, 2, 3, 4)
"""The lake, a collection, an experiment, a dataset."""
OPEN = Grant(PUBLIC, 4, Role.VIEWER.permissions)

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
    assert decide(principal, permission, PATH, [OPEN] * public, NOW) is want


def test_the_table_is_whole() -> None:
    assert len(CASES) == 3 * len(Permission) * 2


@pytest.mark.parametrize("permission", Permission)
def test_a_grant_gives_what_it_names_and_no_more(permission: Permission) -> None:
    grants = [Grant(5, 4, frozenset({permission}), inherits=False)]
    for asked in Permission:
        allowed = decide(GUEST, asked, PATH, grants, NOW) is Decision.ALLOWED
        assert allowed == (asked is permission)
    hidden = decide(GUEST, Permission.ADD, PATH, grants, NOW)
    assert (hidden is Decision.FORBIDDEN) == (permission is Permission.READ) or (
        permission is Permission.ADD
    )


@pytest.mark.parametrize("node", [*PATH, 9])
@pytest.mark.parametrize("inherits", [True, False])
@pytest.mark.parametrize("group", [PUBLIC, 5, 6])
def test_a_grant_reaches_down_if_it_inherits(node: int, inherits: bool, group: int) -> None:
    grant = Grant(group, node, frozenset({Permission.READ}), inherits)
    allowed = decide(GUEST, Permission.READ, PATH, [grant], NOW) is Decision.ALLOWED
    assert allowed == (group != 6 and (node == 4 or (inherits and node != 9)))
    assert decide(GUEST, Permission.READ, (), [grant], NOW) is Decision.HIDDEN


@pytest.mark.parametrize(
    ("starts_at", "ends_at", "in_force"),
    [
        (None, None, True),
        (NOW, None, True),
        (NOW + HOUR, None, False),
        (None, NOW, False),
        (None, NOW + HOUR, True),
        (NOW - HOUR, NOW + HOUR, True),
        (NOW - 2 * HOUR, NOW - HOUR, False),
    ],
)
def test_a_grant_lasts_from_its_start_to_its_end(
    starts_at: datetime | None, ends_at: datetime | None, in_force: bool
) -> None:
    grant = replace(OPEN, starts_at=starts_at, ends_at=ends_at)
    decision = decide(ANONYMOUS, Permission.READ, PATH, [grant], NOW)
    assert decision is (Decision.ALLOWED if in_force else Decision.UNAUTHENTICATED)


@pytest.mark.parametrize("owner", [True, False])
@pytest.mark.parametrize("within", [None, *PATH, 9])
@pytest.mark.parametrize("most", [Permission.READ, Permission.READ_VOLUMETRIC_DATA])
def test_a_principal_may_be_limited(owner: bool, within: int | None, most: Permission) -> None:
    principal = Principal("ada", owner, permissions=frozenset({most}), within=within)
    for asked in (Permission.READ, Permission.READ_VOLUMETRIC_DATA):
        decision = decide(principal, asked, PATH, [OPEN], NOW)
        if within == 9 or (asked is not most and most is not Permission.READ):
            assert decision is Decision.HIDDEN
        else:
            assert decision is (Decision.ALLOWED if asked is most else Decision.FORBIDDEN)


def test_each_role_has_all_of_the_one_before() -> None:
    bundles = [role.permissions for role in Role]
    assert all(one < after for one, after in pairwise(bundles))
    assert bundles[0] == READS
    assert bundles[-1] == set(Permission)


def record(*, public: bool) -> DatasetRecord:
    state = DatasetState.READY
    return DatasetRecord(NAME, "image", None, "c/e/d", state, public, NOW, PATH)


def protected(*, public: bool) -> Protected:
    return Protected(record(public=public), (OPEN,) if public else ())


def test_authorize_gives_an_access() -> None:
    access = authorize(ANONYMOUS, Read, NAME, protected(public=True))
    assert access.dataset == record(public=True)
    assert (access.principal, access.right) == (ANONYMOUS, Read)


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
        authorize(principal, Add, NAME, protected(public=public))


@pytest.mark.parametrize("principal", [ANONYMOUS, GUEST])
def test_hidden_and_absent_are_the_same(principal: Principal) -> None:
    words = []
    for found in (None, protected(public=False)):
        with pytest.raises(VoxlakeError) as caught:
            authorize(principal, Read, NAME, found)
        words.append((type(caught.value), str(caught.value)))
    assert words[0] == words[1]


def test_what_is_absent_is_absent_for_the_owner_too() -> None:
    with pytest.raises(NotFoundError):
        authorize(OWNER, Read, NAME, None)


def test_nobody_else_makes_an_access() -> None:
    with pytest.raises(TypeError, match="authorize"):
        Access(OWNER, Read, record(public=True), object())
    access = authorize(ANONYMOUS, Read, NAME, protected(public=True))
    with pytest.raises((TypeError, ValueError)):
        replace(access, right=Add)  # type: ignore[call-arg, arg-type]  # that is the point
    assert pickle.loads(pickle.dumps(OWNER)) == OWNER
