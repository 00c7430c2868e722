"""A Dask cluster from a dask-gateway: each job has one of its own, which grows as it is needed.

Who asks, and what a worker is made of (image, cores, memory), the configuration of dask-gateway
says, from files or the environment (``DASK_GATEWAY__AUTH__TYPE``,
``DASK_GATEWAY__CLUSTER__OPTIONS``).
"""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from distributed import Client

from voxlake.platform.errors import ClusterLostError

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "gateway+"
"""Before the address of a dask-gateway, where that of a scheduler may stand: gateway+https://..."""

POLL_S = 0.5
"""Seconds between two looks whether a cluster has started."""


def is_gateway(address: str) -> bool:
    """Return whether it is the address of a dask-gateway."""
    return address.startswith((f"{PREFIX}http://", f"{PREFIX}https://"))


@contextmanager
def gateway_cluster(address: str, most: int | None) -> Iterator[tuple[Client, str | None]]:
    """Start a cluster of one worker to `most`, as there is work; it ends with the block.

    Yielded is where its dashboard is, too, if it has one.

    Raises
    ------
    ClusterLostError
        If the gateway does not answer, refuses, or starts none.
    """
    with _failures(address):
        gateway = _gateway(address)
        name = gateway.submit()
    try:
        with _failures(address):
            client, dashboard = _connected(gateway, name, most)
        with client:
            yield client, dashboard
    finally:
        # A gateway that is gone ends it by itself, once it has been idle for long enough.
        with suppress(ClusterLostError), _failures(address):
            gateway.stop_cluster(name)


def gateway_version(address: str) -> str:
    """Return the version of the gateway, if it lets this process in.

    Raises
    ------
    ClusterLostError
        If it does not.
    """
    with _failures(address):
        gateway = _gateway(address)
        gateway.list_clusters()  # To tell the version it asks nobody who they are.
        return str(gateway.get_versions()["server"]["version"])


def _gateway(address: str) -> Any:
    # It takes a while to load, and most clusters have none. It closes itself when it is let go of,
    # which it cannot do a second time.
    from dask_gateway import Gateway

    return Gateway(address.removeprefix(PREFIX))


def _connected(gateway: Any, name: str, most: int | None) -> tuple[Client, str | None]:
    """Wait until the cluster has a scheduler, and connect to that."""
    while (cluster := gateway.get_cluster(name)).status.name == "PENDING":
        time.sleep(POLL_S)
    if cluster.status.name != "RUNNING":
        raise ValueError(f"it is {cluster.status.name.lower()}; the gateway's log says why")
    gateway.adapt_cluster(name, minimum=1, maximum=most)
    client = Client(cluster.scheduler_address, security=cluster.security, set_as_default=False)
    return client, cluster.dashboard_link


@contextmanager
def _failures(address: str) -> Iterator[None]:
    """Say that there is no cluster: errors of jobs never come here."""
    from aiohttp import ClientError
    from dask_gateway import GatewayClusterError, GatewayServerError

    try:
        yield
    except (OSError, ValueError, ClientError, GatewayClusterError, GatewayServerError) as error:
        raise ClusterLostError(
            f"{address} gives no Dask cluster ({error}); ask who runs it, and resume the job"
        ) from error
