"""What channels are made by, and what is public, on SQLite and on PostgreSQL."""

from __future__ import annotations

import pytest

from voxlake.platform.access import ANONYMOUS, Permission, Role
from voxlake.platform.catalog import Catalog, DatasetRecord, DatasetState
from voxlake.platform.catalog.data.plans import FirstShown, Plan
from voxlake.platform.database import now
from voxlake.platform.errors import ConflictError, NotFoundError
from voxlake.platform.names import DatasetName

EM = DatasetName("lab", "brain", "em")
BRAIN = EM.parts[:2]


@pytest.fixture
def catalog(catalog: Catalog) -> Catalog:
    for place in (("lab",), BRAIN):
        catalog.collections.add(place)
    catalog.add_dataset(DatasetRecord(EM, "image", None, str(EM), DatasetState.READY, False, now()))
    return catalog


def test_plans_go_with_their_experiment(catalog: Catalog) -> None:
    assert catalog.plans.get(BRAIN) is None
    plan = Plan(5, "isotropic", 7, 2, "seconds")
    for each in (Plan(), plan):
        catalog.plans.put(BRAIN, each)
        assert catalog.plans.get(BRAIN) == each
    moved = catalog.collections.move(BRAIN, ("lab", "heart")).names
    assert catalog.plans.get(moved) == plan
    catalog.remove_dataset(EM.__class__("lab", "heart", "em"))
    catalog.collections.remove(moved)
    catalog.collections.add(moved)
    assert catalog.plans.get(moved) is None
    with pytest.raises(NotFoundError):
        catalog.plans.get(BRAIN)


def test_where_clients_begin(catalog: Catalog) -> None:
    assert catalog.plans.first_shown(EM) == FirstShown()
    catalog.plans.show_first(EM, FirstShown(1, 2))
    catalog.move_dataset(EM, EM.sibling("raw"))
    assert catalog.plans.first_shown(EM.sibling("raw")) == FirstShown(1, 2)
    catalog.remove_dataset(EM.sibling("raw"))
    with pytest.raises(NotFoundError):
        catalog.plans.first_shown(EM.sibling("raw"))


def test_what_is_public_is_that_alone(catalog: Catalog) -> None:
    def public() -> list[str]:
        found = [
            *catalog.collections.list_allowed(ANONYMOUS, Permission.READ),
            *catalog.collections.list_allowed(ANONYMOUS, Permission.READ, ["lab"]),
        ]
        datasets = catalog.list_allowed(ANONYMOUS, Permission.READ)
        return [*map(str, found), *(str(each.name) for each in datasets)]

    catalog.collections.set_public(["lab"], public=True)
    assert public() == ["lab"]
    catalog.collections.set_public(BRAIN, public=True)
    assert public() == ["lab", "lab/brain"]
    catalog.collections.set_public(["lab"], public=False)
    assert public() == ["lab/brain"]
    assert catalog.collections.get(BRAIN).public
    catalog.shares.share(["lab"], "public", Role.VIEWER)
    with pytest.raises(ConflictError, match="above it"):
        catalog.collections.set_public(BRAIN, public=False)
    assert [entry.action for entry in catalog.audit.list_entries(limit=2)][1] == (
        "unpublish collection"
    )
