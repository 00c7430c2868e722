"""Requests, counted for Prometheus: of each route, however many addresses it has."""

from __future__ import annotations

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from voxlake.api.http.layers.exchange import CutOff, Exchange
from voxlake.api.monitoring.of_workers import MetricsOfWorkers
from voxlake.api.workers.worker import Worker

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
"""Upper bounds of the histogram: from a stored chunk to a cutout for a slow client."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Others, which nothing here answers, are counted together."""
NONE = "none"
"""The route of addresses that have none; the status of answers that were never begun."""
CONTENT_TYPE = CONTENT_TYPE_LATEST
"""Of what `Metrics.text` returns."""
_OTHER, _FAILED = "other", "5xx"
_NO_ROOM = 507
"""Told by itself: it fails by a limit of what may be stored, or by a disk, that others tell of."""


@dataclass(frozen=True, slots=True)
class _Series:
    """What is counted of requests to one route, by one method, answered by one class of status."""

    requests: Counter
    seconds: Histogram
    sent_bytes: Counter


class Metrics:
    """Counts of one gateway. For one event loop.

    Labels are templates of routes, methods, and classes of status, of which there are few: no
    address, and nobody's name.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = Counter(
            "voxlake_requests",
            "Requests that were answered, or left.",
            ("route", "method", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "voxlake_request_seconds",
            "Seconds from the head of a request to the end of its answer.",
            ("route",),
            buckets=SECONDS,
            registry=self.registry,
        )
        self._sent_bytes = Counter(
            "voxlake_sent_bytes", "Bytes of bodies.", ("route",), registry=self.registry
        )
        self._cut_off = Counter(
            "voxlake_cut_off_requests",
            "Requests whose answer was not sent to its end.",
            ("cause",),
            registry=self.registry,
        )
        for cause in CutOff:
            self._cut_off.labels(cause)
        self._throttled = Counter(
            "voxlake_throttled_requests", "Requests answered with 429.", registry=self.registry
        )
        self._of_workers: MetricsOfWorkers | None = None
        self._series: dict[tuple[str | None, str, int | None], _Series] = {}
        self.in_flight = 0
        gauge = Gauge("voxlake_requests_in_flight", "Requests under way.", registry=self.registry)
        gauge.set_function(lambda: self.in_flight)

    def add(self, collector: Collector) -> None:
        """Have more collected, when somebody looks."""
        self.registry.register(collector)

    def count(self, exchange: Exchange) -> None:
        """Count a request that is over."""
        status = exchange.status
        method = exchange.method if exchange.method in METHODS else _OTHER
        key = exchange.route, method, status
        series = self._series.get(key) or self._make_series(*key)
        series.requests.inc()
        series.seconds.observe(exchange.seconds)
        series.sent_bytes.inc(exchange.sent_bytes)
        if exchange.cut_off is not None:
            self._cut_off.labels(exchange.cut_off).inc()
        if status == 429:
            self._throttled.inc()

    def tell_others(self, worker: Worker) -> None:
        """Tell the other workers of the gateway what is counted here, whenever they ask."""
        self._of_workers = MetricsOfWorkers(worker, self.registry)
        self._of_workers.begin()

    def text(self) -> bytes:
        """Return everything, of all workers if there are several, in the format of Prometheus."""
        if self._of_workers is not None:
            return self._of_workers.text()
        return generate_latest(self.registry)

    def _make_series(self, route: str | None, method: str, status: int | None) -> _Series:
        place = route or NONE
        # From 0 on: whoever looks at growth does not see the failure that a count begins with.
        self._requests.labels(place, method, _FAILED)
        made = _Series(
            self._requests.labels(place, method, _class_of(status)),
            self._seconds.labels(place),
            self._sent_bytes.labels(place),
        )
        self._series[route, method, status] = made
        return made


def _class_of(status: int | None) -> str:
    """Return what the label of a status is.

    >>> _class_of(206), _class_of(507), _class_of(None)
    ('2xx', '507', 'none')
    """
    if status is None:
        return NONE
    return str(status) if status == _NO_ROOM else f"{status // 100}xx"
