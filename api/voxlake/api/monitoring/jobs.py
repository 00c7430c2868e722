"""How jobs stand, read from the catalog when somebody looks: every gateway tells the same."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from voxlake.platform.catalog.data.deleted import Deleted
from voxlake.platform.database import Database
from voxlake.platform.errors import VoxlakeError
from voxlake.platform.jobs.standing import standing


class Jobs(Collector):
    """Counts jobs by state."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics; without samples if the database does not answer."""
        states = GaugeMetricFamily("voxlake_jobs", "Jobs of the lake.", labels=["state"])
        waited = GaugeMetricFamily(
            "voxlake_jobs_waited_seconds", "How long the oldest queued job waits for a worker."
        )
        deleted = GaugeMetricFamily(
            "voxlake_deleted", "What was deleted and can be brought back, until it is purged."
        )
        try:
            found, hidden = standing(self._database), Deleted(self._database, "").count()
        except VoxlakeError:
            # A gateway whose catalog is away says so at /readyz, and all else that it counts here.
            found, hidden = None, 0
        if found is not None:
            for state, count in found.jobs.items():
                states.add_metric([state.value], count)
            waited.add_metric([], found.waited_s)
            deleted.add_metric([], hidden)
        yield from (states, waited, deleted)
