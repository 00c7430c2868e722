"""Bytes are told in money where prices are set."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from tests.api.lakes import Sample, add_sample, image_voxels

from voxlake.api.monitoring.costs import TERABYTE, Costs
from voxlake.platform.catalog import Catalog, open_catalog
from voxlake.platform.catalog.stored import StoredSizes
from voxlake.platform.catalog.usage import Counts, Used
from voxlake.platform.errors import StoreUnavailableError
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    import pytest

    from voxlake.platform.store import StoreURL


def told(catalog: Catalog, settings: Settings) -> dict[str, float]:
    """Return what is told, by metric and label."""
    registry = CollectorRegistry()
    registry.register(Costs(catalog.usage, settings))
    return {
        sample.name + "".join(f" {value}" for value in sample.labels.values()): sample.value
        for family in registry.collect()
        for sample in family.samples
    }


def test_bytes_have_their_prices(lake: StoreURL, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_catalog(lake, Settings()) as catalog:
        add_sample(lake, catalog, Sample("lab/brain/em", image_voxels((16, 16, 16))))
        [record] = catalog.list_datasets()
        catalog.stored.put(record.node, 3, 2 * TERABYTE)
        today = datetime.now(UTC).date().isoformat()
        counts = Counts(requests=1, egress=TERABYTE // 2, ingress=7)
        catalog.usage.add({Used(today, "ada", record.node, "cutout"): counts})
        catalog.usage.add({Used("2001-01-01", "ada", record.node, "cutout"): counts})
        assert told(catalog, Settings()) == {}
        prices = Settings(price_stored_tb_month=23, price_sent_tb=90, budget_month=100)
        assert told(catalog, prices) == {
            "voxlake_month_cost sent": 45,
            "voxlake_month_cost stored": 46,
            "voxlake_month_budget": 100,
        }

        def away(*_: object) -> None:
            raise StoreUnavailableError("the database does not answer")

        monkeypatch.setattr(StoredSizes, "below", away)
        assert told(catalog, prices) == {"voxlake_month_budget": 100}
