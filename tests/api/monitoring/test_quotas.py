"""Who watches is told what was used in a month, what is stored, and how near limits are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry

from voxlake.api.monitoring.quotas import Quotas
from voxlake.platform.catalog import Catalog, DatasetRecord, DatasetState, open_catalog
from voxlake.platform.catalog.usage import Counts, Metric, Used
from voxlake.platform.database import now
from voxlake.platform.errors import StoreUnavailableError
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.platform.store import StoreURL

NAME = DatasetName("lab", "brain", "em")


@pytest.fixture
def catalog(lake: StoreURL) -> Iterator[Catalog]:
    """The catalog of a dataset of 300 bytes, of which ada had 80 today, and bob 20."""
    with open_catalog(lake, Settings()) as opened:
        record = DatasetRecord(NAME, "image", None, str(NAME), DatasetState.READY, False, now())
        opened.add_dataset(record)
        node, today = opened.get_dataset(NAME).node, datetime.now(UTC).date().isoformat()
        opened.stored.put(node, 1, 300)
        opened.usage.add(
            {
                Used(today, "ada", node, "cutout"): Counts(1, 80),
                Used(today, "bob", node, "zarr"): Counts(1, 20),
            }
        )
        yield opened


def told(catalog: Catalog) -> dict[str, float]:
    """Return what is told, by metric and label."""
    registry = CollectorRegistry()
    registry.register(Quotas(catalog.usage))
    return {
        sample.name + "".join(f" {value}" for value in sample.labels.values()): sample.value
        for family in registry.collect()
        for sample in family.samples
    }


def test_without_limits_there_are_sums_alone(catalog: Catalog) -> None:
    assert told(catalog) == {
        "voxlake_month_bytes egress": 100,
        "voxlake_month_bytes ingress": 0,
        "voxlake_month_bytes compute": 0,
        "voxlake_stored_bytes": 300,
    }


@pytest.mark.parametrize(
    ("subject", "metric", "limit", "share"),
    [
        ("system", Metric.EGRESS, 200, 0.5),
        ("user:*", Metric.EGRESS, 100, 0.8),
        ("api:zarr", Metric.EGRESS, 80, 0.25),
        ("place:lab/brain", Metric.EGRESS, 400, 0.25),
        ("place:lab", Metric.STORED, 600, 0.5),
        ("system", Metric.STORED, 100, 3.0),
        ("user:carl", Metric.EGRESS, 10, 0.0),
        ("system", Metric.EGRESS, 0, 1.0),
    ],
)
def test_the_share_of_a_limit_is_told(
    catalog: Catalog, subject: str, metric: Metric, limit: int, share: float
) -> None:
    catalog.usage.set_limit(subject, metric, limit)
    assert told(catalog)[f"voxlake_limit_used_ratio {metric}"] == share


def test_the_limit_that_is_used_most_is_told(catalog: Catalog) -> None:
    catalog.usage.set_limit("system", Metric.EGRESS, 1000)
    catalog.usage.set_limit("user:ada", Metric.EGRESS, 160)
    assert told(catalog)["voxlake_limit_used_ratio egress"] == 0.5


def test_a_database_that_is_away_fails_nothing(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise StoreUnavailableError("the database does not answer")

    monkeypatch.setattr("voxlake.platform.catalog.usage.read_limits", away)
    assert told(catalog) == {}
