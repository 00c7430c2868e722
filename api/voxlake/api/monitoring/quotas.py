"""How much of what there is was used, read from the catalog when somebody looks: as `Jobs`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from voxlake.platform.catalog.stored import StoredSizes
from voxlake.platform.catalog.usage import (
    MONTHLY,
    SYSTEM,
    Counts,
    Metric,
    UsageLedger,
    limit_of,
    node_of_subject,
)
from voxlake.platform.errors import VoxlakeError
from voxlake.platform.nodes.tree import ROOT


class Quotas(Collector):
    """Tells what was used, and of each kind of limit how much of the one that is used most."""

    def __init__(self, ledger: UsageLedger) -> None:
        self._ledger, self._stored = ledger, StoredSizes(ledger.database)

    def collect(self) -> Iterator[Family]:
        """Yield all metrics; without samples if the database does not answer."""
        used = GaugeMetricFamily(
            "voxlake_month_bytes",
            "Bytes in this month, by what they were.",
            labels=["metric"],
        )
        held = GaugeMetricFamily(
            "voxlake_stored_bytes", "Bytes of all datasets, as they were measured last."
        )
        ratio = GaugeMetricFamily(
            "voxlake_limit_used_ratio", "Share of the limit that is used most.", labels=["metric"]
        )
        try:
            month, stored = self._month(), self._stored.below(ROOT)
            shares = self._shares(month)
        except VoxlakeError:
            yield from (used, held, ratio)
            return
        for metric in MONTHLY:
            used.add_metric([metric], month.get(SYSTEM, Counts()).of(metric))
        held.add_metric([], stored)
        for metric, share in shares.items():
            ratio.add_metric([metric], share)
        yield from (used, held, ratio)

    def _month(self) -> dict[str, Counts]:
        """Return what all subjects had, places that have a limit among them."""
        month = f"{datetime.now(UTC):%Y-%m}"
        places = [subject for subject, _ in self._ledger.limits() if node_of_subject(subject)]
        return self._ledger.of_month(month) | self._ledger.of_month(month, places)

    def _shares(self, month: dict[str, Counts]) -> dict[Metric, float]:
        limits = self._ledger.limits()
        shares = dict.fromkeys((metric for _, metric in limits), 0.0)
        for subject, counts in month.items():
            for metric in shares.keys() & set(MONTHLY):
                limit = limit_of(limits, subject, metric)
                if limit is not None:
                    shares[metric] = max(shares[metric], _share(counts.of(metric), limit))
        for (subject, metric), limit in limits.items():
            if metric is Metric.STORED:
                held = self._stored.below(node_of_subject(subject) or ROOT)
                shares[metric] = max(shares[metric], _share(held, limit))
        return shares


def _share(had: int, limit: int) -> float:
    return had / limit if limit else 1.0
