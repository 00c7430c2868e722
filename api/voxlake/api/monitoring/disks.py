"""How much room is on the disks that a gateway writes to, read when somebody looks."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from voxlake.api.checks.machine import spool_of
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL


class Disks(Collector):
    """Tells the free space on each disk; of a lake on S3 on that of its spool."""

    def __init__(self, lake: StoreURL, settings: Settings) -> None:
        self._folders = {"lake": lake.path} if lake.is_local else {"spool": spool_of(settings)}
        if settings.cache_dir is not None:
            self._folders["cache"] = settings.cache_dir

    def collect(self) -> Iterator[Metric]:
        """Yield one metric, without samples of what is not there."""
        free = GaugeMetricFamily("voxlake_disk_free_bytes", "Room on a disk.", labels=["of"])
        for name, folder in self._folders.items():
            with suppress(OSError):
                free.add_metric([name], shutil.disk_usage(folder).free)
        yield free
