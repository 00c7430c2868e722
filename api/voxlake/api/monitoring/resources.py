"""What a gateway uses, read when somebody looks: memory for answers, the cache, the store."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from voxlake.api.http.limits.budget import Budget
from voxlake.ngff.memory.cache import CACHE, Cache
from voxlake.ngff.memory.disk import DISK, DiskCache
from voxlake.platform.store.counts import COUNTS, StoreCounts

if TYPE_CHECKING:
    # Loaded only where there is an issuer: it brings an HTTP client along.
    from voxlake.api.identity.oidc.issuer import Issuer


class Resources(Collector):
    """Reads counts that others keep anyway."""

    def __init__(
        self,
        answers: Budget,
        issuer: Issuer | None = None,
        cache: Cache = CACHE,
        store: StoreCounts = COUNTS,
        disk: DiskCache = DISK,
    ) -> None:
        self._answers, self._issuer = answers, issuer
        self._cache, self._store, self._disk = cache, store, disk

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics."""
        yield InfoMetricFamily("voxlake", "What runs.", value={"version": version("voxlake")})
        yield from self._memory_metrics()
        yield from self._cache_metrics()
        yield from self._disk_metrics()
        yield from self._store_metrics()
        if self._issuer is not None:
            yield from self._issuer_metrics(self._issuer)

    def _memory_metrics(self) -> Iterator[Metric]:
        gauge, answers = GaugeMetricFamily, self._answers
        name = "voxlake_answers_memory"
        yield gauge(f"{name}_bytes", "Memory that answers on their way hold.", answers.used_bytes)
        yield gauge(f"{name}_limit_bytes", "Memory that they may hold.", answers.limit_bytes)
        yield gauge(f"{name}_waiting", "Answers that wait for memory.", answers.waiting)

    def _cache_metrics(self) -> Iterator[Metric]:
        use, name = self._cache.use(), "voxlake_cache"
        held = GaugeMetricFamily(f"{name}_bytes", "Memory of what is kept.", labels=["kind"])
        hits = CounterMetricFamily(f"{name}_hits", "Questions it answered.", labels=["kind"])
        misses = CounterMetricFamily(f"{name}_misses", "Questions it did not.", labels=["kind"])
        dropped = CounterMetricFamily(
            f"{name}_evictions", "Values dropped to make room.", labels=["kind"]
        )
        for kind in use:
            for family, value in (
                (held, kind.bytes),
                (hits, kind.hits),
                (misses, kind.misses),
                (dropped, kind.evictions),
            ):
                family.add_metric([kind.kind], value)
        yield from (held, hits, misses, dropped)

    def _disk_metrics(self) -> Iterator[Metric]:
        name, disk, counter = "voxlake_disk_cache", self._disk, CounterMetricFamily
        yield counter(f"{name}_hits", "Pieces of shards that were on the disk.", disk.hits)
        yield counter(f"{name}_misses", "Those that were not.", disk.misses)
        yield counter(f"{name}_evictions", "Files deleted to make room.", disk.evictions)
        yield counter(f"{name}_failures", "Files that could not be written.", disk.failures)

    def _issuer_metrics(self, issuer: Issuer) -> Iterator[Metric]:
        name = "voxlake_issuer_key"
        up = "Whether the keys of the issuer could be read when it was asked last."
        yield GaugeMetricFamily("voxlake_issuer_up", up, float(issuer.answers))
        yield CounterMetricFamily(f"{name}_reads", "Keys of the issuer were read.", issuer.reads)
        yield CounterMetricFamily(f"{name}_failures", "They could not be.", issuer.failures)

    def _store_metrics(self) -> Iterator[Metric]:
        requests = CounterMetricFamily(
            "voxlake_store_requests",
            "Objects read, written and listed; those that TensorStore reads are not seen.",
            labels=["action"],
        )
        failures = CounterMetricFamily(
            "voxlake_store_failures", "Failures of the store, by what they are.", labels=["kind"]
        )
        for family, counts in ((requests, self._store.requests), (failures, self._store.failures)):
            for label, count in sorted(counts.items()):
                family.add_metric([label], count)
        yield from (requests, failures)
