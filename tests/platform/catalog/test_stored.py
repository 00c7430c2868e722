"""How much is stored of datasets is known, and limited at places of the lake."""

from __future__ import annotations

import pytest

from voxlake.platform.catalog import Catalog, DatasetRecord, DatasetState
from voxlake.platform.catalog.usage import Metric
from voxlake.platform.database import now
from voxlake.platform.errors import InvalidInputError, NotFoundError, StorageQuotaError
from voxlake.platform.names import DatasetName

NAMES = [DatasetName("lab", "brain", "em"), DatasetName("lab", "eye", "em")]


@pytest.fixture
def catalog(catalog: Catalog) -> Catalog:
    """The catalog of two datasets of 100 and 50 bytes, in experiments of one collection."""
    for name, size in zip(NAMES, (100, 50), strict=True):
        record = DatasetRecord(name, "image", None, str(name), DatasetState.READY, False, now())
        catalog.add_dataset(record)
        catalog.stored.put(catalog.get_dataset(name).node, 3, size)
    return catalog


def test_sizes_add_up_at_places(catalog: Catalog) -> None:
    assert [(each.dataset, each.objects, each.bytes) for each in catalog.stored.sizes()] == [
        ("lab/brain/em", 3, 100),
        ("lab/eye/em", 3, 50),
    ]
    path = catalog.get_dataset(NAMES[0]).path
    assert [catalog.stored.below(node) for node in path] == [150, 150, 100, 100]
    catalog.stored.put(path[-1], 1, 7)
    assert catalog.stored.below(path[0]) == 57


def test_what_was_removed_holds_nothing(catalog: Catalog) -> None:
    root, *_ = catalog.get_dataset(NAMES[0]).path
    catalog.remove_dataset(NAMES[0])
    assert catalog.stored.below(root) == 50
    assert [each.dataset for each in catalog.stored.sizes()] == ["lab/eye/em"]


@pytest.mark.parametrize(
    ("subject", "limit", "full"),
    [
        ("place:lab", 150, {"lab/brain/em", "lab/brain/new", "lab/eye/em", "lab/new/new"}),
        ("place:lab", 151, set()),
        ("place:lab/brain", 100, {"lab/brain/em", "lab/brain/new"}),
        ("place:lab/brain/em", 0, {"lab/brain/em"}),
        (
            "system",
            150,
            {"lab/brain/em", "lab/brain/new", "lab/eye/em", "lab/new/new", "new/new/new"},
        ),
    ],
)
def test_a_place_that_is_full_takes_nothing(
    catalog: Catalog, subject: str, limit: int, full: set[str]
) -> None:
    catalog.usage.set_limit(subject, Metric.STORED, limit)
    for name in ("lab/brain/em", "lab/brain/new", "lab/eye/em", "lab/new/new", "new/new/new"):
        if name not in full:
            catalog.stored.check_room(name.split("/"))
            continue
        said = rf"may hold {limit};.*voxlake usage limit {subject} stored"
        with pytest.raises(StorageQuotaError, match=said):
            catalog.stored.check_room(name.split("/"))


def test_limits_of_places_follow_their_names(catalog: Catalog) -> None:
    catalog.usage.set_limit("place:lab/brain", Metric.EGRESS, 7)
    assert catalog.usage.told_limits() == {("place:lab/brain", Metric.EGRESS): 7}
    catalog.collections.move(["lab", "brain"], ["lab", "cortex"])
    assert catalog.usage.told_limits() == {("place:lab/cortex", Metric.EGRESS): 7}
    catalog.usage.set_limit("place:lab/cortex", Metric.EGRESS, None)
    assert catalog.usage.limits() == {}


def test_a_limit_of_what_was_removed_is_not_told(catalog: Catalog) -> None:
    catalog.usage.set_limit("place:lab/brain/em", Metric.EGRESS, 7)
    catalog.remove_dataset(NAMES[0])
    assert catalog.usage.told_limits() == {}


def test_what_cannot_be_limited_is_refused(catalog: Catalog) -> None:
    with pytest.raises(NotFoundError):
        catalog.usage.set_limit("place:lab/none", Metric.STORED, 7)
    with pytest.raises(InvalidInputError, match="is not known"):
        catalog.usage.set_limit("user:ada", Metric.STORED, 7)
    with pytest.raises(InvalidInputError, match="cannot be limited"):
        catalog.usage.set_limit("place:lab", Metric.STORED, -7)
