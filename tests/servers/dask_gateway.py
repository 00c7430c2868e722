"""A dask-gateway whose clusters are processes of this machine."""

from __future__ import annotations

import sys
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.servers.processes import free_ports, start

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class DaskGateway:
    """A running gateway, which lets in anybody who knows its password."""

    address: str
    log: Path


_CONFIGURATION = """
c.DaskGateway.backend_class = "dask_gateway_server.backends.local.UnsafeLocalBackend"
c.DaskGateway.address = "127.0.0.1:{private}"
c.Proxy.address = "127.0.0.1:{public}"
c.SimpleAuthenticator.password = "{password}"
c.UnsafeLocalBackend.clusters_directory = "{folder}"
c.UnsafeLocalBackend.inherited_environment = ["PATH", "PYTHONPATH", "LANG"]
c.ClusterConfig.adaptive_period = 0.5
c.ClusterConfig.idle_timeout = 60
# Those that it would start have gone from Dask.
c.ClusterConfig.scheduler_cmd = ["{python}", "-m", "dask", "scheduler"]
c.ClusterConfig.worker_cmd = ["{python}", "-m", "dask", "worker"]
"""


@contextmanager
def run_dask_gateway(folder: Path, password: str) -> Iterator[DaskGateway]:
    """Run one until the end of the block, with its clusters."""
    private, public = free_ports(2)
    configuration = folder / "dask_gateway_config.py"
    configuration.write_text(
        _CONFIGURATION.format(
            private=private,
            public=public,
            password=password,
            folder=folder,
            python=sys.executable,
        )
    )
    address = f"http://127.0.0.1:{public}"
    command = [str(Path(sys.executable).with_name("dask-gateway-server")), "-f", str(configuration)]
    log = folder / "dask-gateway.log"
    process = start(command, log, lambda: _answers(address))
    try:
        yield DaskGateway(address, log)
    finally:
        process.terminate()  # It ends its clusters first.
        process.wait()


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/api/health", timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
