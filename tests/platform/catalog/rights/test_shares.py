"""What is shared with whom, on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import timedelta

import pytest

from voxlake.platform.access import Permission, Role
from voxlake.platform.catalog import Catalog, DatasetRecord, DatasetState
from voxlake.platform.database import now
from voxlake.platform.errors import InvalidInputError, NotFoundError
from voxlake.platform.names import DatasetName

HOUR = timedelta(hours=1)
NAMES = ["lab/brain/em", "lab/gut/em", "zoo/fish/em"]


@pytest.fixture
def catalog(catalog: Catalog) -> Catalog:
    for name in NAMES:
        parsed, state = DatasetName.parse(name), DatasetState.READY
        catalog.add_dataset(DatasetRecord(parsed, "image", None, name, state, False, now()))
    catalog.people.add_user("ada")
    return catalog


def may(catalog: Catalog, permission: Permission = Permission.READ) -> list[str]:
    principal = catalog.people.principal_of("ada")
    return [str(record.name) for record in catalog.list_allowed(principal, permission)]


@pytest.mark.parametrize(
    ("place", "reached"),
    [
        ([], NAMES),
        (["lab"], NAMES[:2]),
        (["lab", "gut"], NAMES[1:2]),
        (["zoo", "fish", "em"], NAMES[2:]),
    ],
)
def test_what_is_shared_reaches_down(
    catalog: Catalog, place: list[str], reached: list[str]
) -> None:
    assert may(catalog) == []
    catalog.shares.share(place, "ada", Role.ANNOTATOR)
    assert may(catalog) == may(catalog, Permission.ADD_VOLUMETRIC_DATA) == reached
    assert may(catalog, Permission.UPDATE) == []
    catalog.shares.share(place, "ada", Role.VIEWER)
    assert may(catalog, Permission.ADD_VOLUMETRIC_DATA) == []
    assert may(catalog) == reached
    catalog.shares.unshare(place, "ada")
    assert may(catalog) == []


def test_it_is_told_from_the_lake_down(catalog: Catalog) -> None:
    for place, group, role in (
        (["lab", "brain", "em"], "public", Role.VIEWER),
        ([], "ada", Role.VIEWER),
        (["lab"], "ada", Role.EDITOR),
        (["zoo"], "ada", Role.OWNER),
    ):
        catalog.shares.share(place, group, role)
    shared = catalog.shares.list_shares(["lab", "brain", "em"])
    assert [(one.place, one.group, one.role) for one in shared] == [
        ("", "ada", Role.VIEWER),
        ("lab", "ada", Role.EDITOR),
        ("lab/brain/em", "public", Role.VIEWER),
    ]
    assert [one.place for one in catalog.shares.list_shares(["zoo"])] == ["", "zoo"]


def test_it_lasts_from_one_date_to_another(catalog: Catalog) -> None:
    catalog.shares.share(["lab"], "ada", Role.VIEWER, starts_at=now() + HOUR)
    assert may(catalog) == []
    catalog.shares.share(["lab"], "ada", Role.VIEWER, starts_at=now(), ends_at=now() + HOUR)
    assert may(catalog) == NAMES[:2]
    [shared] = catalog.shares.list_shares(["lab"])
    assert shared.grant.ends_at is not None
    for starts_at, ends_at in ((None, now()), (now() + 2 * HOUR, now() + HOUR)):
        with pytest.raises(InvalidInputError, match="would never begin"):
            catalog.shares.share(["lab"], "ada", Role.OWNER, starts_at=starts_at, ends_at=ends_at)
    assert catalog.shares.list_shares(["lab"]) == [shared]


def test_what_there_is_not(catalog: Catalog) -> None:
    with pytest.raises(NotFoundError, match="no lab/none in the lake"):
        catalog.shares.share(["lab", "none", "em"], "ada", Role.VIEWER)
    with pytest.raises(NotFoundError, match="no group none"):
        catalog.shares.share(["lab"], "none", Role.VIEWER)
    with pytest.raises(NotFoundError, match="lab is not shared with ada"):
        catalog.shares.unshare(["lab"], "ada")
    with pytest.raises(NotFoundError, match="no none"):
        catalog.shares.list_shares(["none"])


def test_a_renamed_dataset_is_shared_as_before(catalog: Catalog) -> None:
    catalog.shares.share(["lab", "brain", "em"], "ada", Role.VIEWER)
    catalog.move_dataset(DatasetName.parse(NAMES[0]), DatasetName.parse("zoo/cat/raw"))
    assert may(catalog) == ["zoo/cat/raw"]
    catalog.remove_dataset(DatasetName.parse("zoo/cat/raw"))
    parsed, state = DatasetName.parse("zoo/cat/raw"), DatasetState.READY
    catalog.add_dataset(DatasetRecord(parsed, "image", None, "x", state, False, now()))
    assert may(catalog) == []
