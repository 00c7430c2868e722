"""How a Dask cluster is: whether its workers are what sends them tasks."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

from voxlake.compute.cluster.opening import cluster_failures, open_cluster

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voxlake.platform.settings import Settings

PACKAGES = ("voxlake", "dask", "distributed", "numpy", "tensorstore")
"""Whose versions have to be the same everywhere."""


@dataclass(frozen=True, slots=True)
class WorkerCondition:
    """A worker, as it says of itself."""

    threads: int
    memory_bytes: int
    """What it may fill, all its threads together; 0: without end."""
    differs: Mapping[str, str]
    """Versions that are not those of this process, by package."""


def versions_here() -> dict[str, str]:
    """Return the versions of this process."""
    return {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}


def cluster_condition(settings: Settings) -> dict[str, WorkerCondition]:
    """Return the workers of ``settings.scheduler``, by address.

    Raises
    ------
    ClusterLostError
        If no scheduler answers at the address.
    """
    here = versions_here()
    with open_cluster(settings, 1) as cluster, cluster_failures():
        workers = cluster.client.scheduler_info(n_workers=-1)["workers"]
        # A worker without voxlake answers with the error that it has of it.
        told = cluster.client.run(versions_here, on_error="return")
    return {
        address: WorkerCondition(
            worker["nthreads"], worker["memory_limit"] or 0, _difference(here, told.get(address))
        )
        for address, worker in workers.items()
    }


def _difference(here: Mapping[str, str], told: object) -> dict[str, str]:
    if not isinstance(told, dict):
        return {"voxlake": f"missing ({told})"}
    return {name: told[name] for name in here if told.get(name) != here[name]}
