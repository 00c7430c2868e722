"""What was used, on SQLite and on PostgreSQL: counted by many at once, and limited."""

from __future__ import annotations

from threading import Thread
from typing import TYPE_CHECKING

import pytest

from voxlake.platform.catalog import Catalog, DatasetRecord, DatasetState, open_catalog
from voxlake.platform.catalog.usage import Counts, Metric, Used, limit_of, parse_amount
from voxlake.platform.database import now
from voxlake.platform.errors import InvalidInputError
from voxlake.platform.names import DatasetName

if TYPE_CHECKING:
    from voxlake.platform.settings import Settings
    from voxlake.platform.store import StoreURL

NAME = DatasetName("lab", "brain", "em")


@pytest.fixture
def catalog(catalog: Catalog) -> Catalog:
    record = DatasetRecord(NAME, "image", None, str(NAME), DatasetState.READY, False, now())
    catalog.add_dataset(record)
    return catalog


def test_many_count_at_once(catalog: Catalog, lake: StoreURL, any_database: Settings) -> None:
    node = catalog.get_dataset(NAME).node
    users = [f"user-{number}" for number in range(4)]

    def count(number: int) -> None:
        # As another process does: by a connection of its own, and in another order.
        order = users[number:] + users[:number]
        with open_catalog(lake, any_database) as own:
            for _ in range(5):
                own.usage.add(
                    {
                        Used("2026-11-28", user, node, "cutout"): Counts(1, 10, 2, number)
                        for user in order
                    }
                )

    threads = [Thread(target=count, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    each = Counts(20, 200, 40, 30)
    total = each + each + each + each
    assert catalog.usage.of_month("2026-11") == {
        "api:cutout": total,
        "system": total,
        **{f"user:{user}": each for user in users},
    }
    found = catalog.usage.of_datasets("2026-11")
    assert [(one.account, one.dataset, one.counts) for one in found] == [
        (user, str(NAME), each) for user in users
    ]
    assert catalog.usage.of_month("2026-12") == {}
    assert catalog.usage.of_datasets("2026-12") == []


def test_days_and_kinds_add_up_to_a_month(catalog: Catalog) -> None:
    node = catalog.get_dataset(NAME).node
    for day, api in (("2026-10-31", "zarr"), ("2026-11-01", "zarr"), ("2026-11-30", "cutout")):
        catalog.usage.add({Used(day, "ada", node, api): Counts(1, 5)})
    november = catalog.usage.of_month("2026-11", ["user:ada", "api:zarr", "api:none"])
    assert november == {"user:ada": Counts(2, 10), "api:zarr": Counts(1, 5)}
    path = [f"node:{node}" for node in catalog.get_dataset(NAME).path[1:]]
    of_places = catalog.usage.of_month("2026-11", path)
    assert of_places == dict.fromkeys(path, Counts(2, 10))
    [only] = catalog.usage.of_datasets("2026-11", "ada")
    assert only.counts == Counts(2, 10)
    assert catalog.usage.of_datasets("2026-11", "bob") == []


def test_limits(catalog: Catalog) -> None:
    usage = catalog.usage
    usage.set_limit("user:*", Metric.EGRESS, 7)
    usage.set_limit("user:ada", Metric.EGRESS, 1 << 40)
    usage.set_limit("user:ada", Metric.EGRESS, 9)
    limits = usage.limits()
    assert [limit_of(limits, f"user:{name}", Metric.EGRESS) for name in ("ada", "bob")] == [9, 7]
    assert limit_of(limits, "user:ada", Metric.INGRESS) is None
    assert limit_of(limits, "system", Metric.EGRESS) is None
    usage.set_limit("user:ada", Metric.EGRESS, None)
    assert usage.limits() == {("user:*", Metric.EGRESS): 7}
    for subject, amount in (("ada", 1), ("user:", 1), ("user:a b", 1), ("system", -1)):
        with pytest.raises(InvalidInputError, match="cannot be limited"):
            usage.set_limit(subject, Metric.EGRESS, amount)
    assert [entry.action for entry in catalog.audit.list_entries(limit=2)] == ["limit usage"] * 2


@pytest.mark.parametrize("text", ["", "G", "-1", "1.5G", "10X", "9" * 20])
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(InvalidInputError, match="no amount of bytes"):
        parse_amount(text)
