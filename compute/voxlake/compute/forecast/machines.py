"""What a job is forecast to run on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.compute.forecast.forecast import Machines
from voxlake.compute.passes.threads import available_cores

if TYPE_CHECKING:
    from voxlake.platform.settings import Settings


def machines_of(settings: Settings, cores: int | None = None) -> Machines:
    """Return the machines of the cluster of the settings, or this one, or so many `cores`."""
    # Dask, of which help needs nothing.
    from voxlake.compute.cluster.opening import THREADS_PER_PROCESS, worker_threads

    each, limit = "each as fast as one of this machine, where", settings.memory_limit_bytes
    here, sampled = available_cores(), "the sample was measured"
    if cores is not None:
        threads = cores if cores <= here else THREADS_PER_PROCESS
        return Machines(cores, threads, limit, f"as given, {each} {sampled}")
    workers = worker_threads(settings.scheduler) if settings.scheduler else ()
    if workers:
        those = f"those of the {len(workers)} workers at {settings.scheduler}"
        return Machines(sum(workers), max(workers), limit, f"{those}, {each} {sampled}")
    return Machines(here, here, limit, f"those of this machine, where {sampled}")
