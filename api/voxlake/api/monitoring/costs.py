"""What is stored and sent costs by the prices that are set, told when somebody looks: as `Jobs`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from voxlake.platform.catalog.stored import StoredSizes
from voxlake.platform.catalog.usage import SYSTEM, Counts, UsageLedger
from voxlake.platform.errors import VoxlakeError
from voxlake.platform.nodes.tree import ROOT
from voxlake.platform.settings import Settings

TERABYTE = 10**12


class Costs(Collector):
    """Tells what this month costs until today, and what it may."""

    def __init__(self, ledger: UsageLedger, settings: Settings) -> None:
        self._ledger, self._stored = ledger, StoredSizes(ledger.database)
        self._settings = settings

    def collect(self) -> Iterator[Family]:
        """Yield both metrics; without samples where no price is set, or the database is away."""
        cost = GaugeMetricFamily(
            "voxlake_month_cost",
            "Price of this month until today, in the currency of the prices that are set: what was "
            "sent, and a month of what is stored.",
            labels=["of"],
        )
        budget = GaugeMetricFamily("voxlake_month_budget", "What a month may cost.")
        try:
            for of, price in self._costs().items():
                cost.add_metric([of], price)
        except VoxlakeError:
            cost.samples.clear()
        if self._settings.budget_month:
            budget.add_metric([], self._settings.budget_month)
        yield from (cost, budget)

    def _costs(self) -> dict[str, float]:
        found, settings = {}, self._settings
        if settings.price_sent_tb:
            month = f"{datetime.now(UTC):%Y-%m}"
            sent = self._ledger.of_month(month, [SYSTEM]).get(SYSTEM, Counts()).egress
            found["sent"] = sent / TERABYTE * settings.price_sent_tb
        if settings.price_stored_tb_month:
            held = self._stored.below(ROOT)
            found["stored"] = held / TERABYTE * settings.price_stored_tb_month
        return found
