"""A lake with all that is watched of it: real servers, to which things happen."""

from __future__ import annotations

import io
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psutil
from tests.api.lakes import Sample, add_sample, image_voxels
from tests.conftest import forget_stores
from tests.deploy.monitoring.watching import is_ready
from tests.installations import begin_lake
from tests.servers.dask import DaskCluster
from tests.servers.folders import small_folder
from tests.servers.issuer import ScriptedIssuer, run_issuer
from tests.servers.processes import free_ports, start, stop
from tests.servers.s3 import ACCESS_KEY, BUCKET, SECRET_KEY, run_s3
from tests.servers.s3_proxy import S3Proxy, s3_proxy

from voxlake.cli import main
from voxlake.cli.manual.exit_codes import DONE, PARTIAL
from voxlake.platform.catalog import open_catalog
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest

SHAPE = (45, 67, 71)
SAMPLES = (
    Sample("lab/brain/em", image_voxels(SHAPE), public=True),
    Sample("lab/brain/broken", image_voxels(SHAPE, 2), public=True, levels=1),
    Sample("lab/brain/vast", image_voxels((1, 1, 1)), shape=(1 << 17,) * 3, public=True, levels=1),
)
NEARLY = 0.9
"""How much of limit and budget is used at the beginning."""
BUDGET = 100
ROOM_BYTES = 8 << 30
LITTLE_BYTES = 1 << 20
"""Room on the disk of the spool."""
DISK_BYTES = 64 << 20
"""Room on the disk of the second store, of which a file takes nearly all."""


class Gateway:
    """A gateway that may be killed, and started again at its address."""

    def __init__(self, folder: Path, processes: int = 1) -> None:
        [self.port] = free_ports(1)
        self.log, self.processes = folder / f"gateway-{self.port}.log", processes

    @property
    def target(self) -> str:
        """How Prometheus has it."""
        return f"127.0.0.1:{self.port}"

    def begin(self) -> None:
        """Start it, and wait until it serves."""
        words = ["serve", "--port", str(self.port), "--workers", str(self.processes)]
        command = [sys.executable, "-m", "voxlake.cli", *words, "--json"]
        self.running = start(command, self.log, lambda: is_ready(self.port, "/healthz"))

    def end(self) -> None:
        """Kill it, and wait until all of its processes have ended."""
        parts = self.parts()
        stop(self.running)
        psutil.wait_procs(parts, timeout=60)

    def parts(self) -> list[psutil.Process]:
        """Return the processes that it started."""
        return psutil.Process(self.running.pid).children()


class Store:
    """A SeaweedFS that tells its metrics, which may be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._running = folder, ExitStack()
        [self._port] = free_ports(1)
        self.endpoint = ""

    @property
    def target(self) -> str:
        """How Prometheus has it."""
        return f"127.0.0.1:{self._port}"

    def begin(self) -> None:
        """Start it, and wait until it serves."""
        server = self._running.enter_context(run_s3(self._folder, metrics_port=self._port))
        self.endpoint = server.endpoint

    def end(self) -> None:
        """Kill it."""
        self._running.close()


@dataclass(frozen=True)
class Laboratory:
    """What runs."""

    lake: StoreURL
    way: S3Proxy
    """To the store of the lake."""
    store: Store
    full_store: Store
    """Another, whose disk is nearly full."""
    disks: tuple[Path, Path]
    """That of the gateways, and that of the second store."""
    issuer: ScriptedIssuer
    gateway: Gateway
    pair: Gateway
    """One of two processes."""
    dask: DaskCluster

    def scraped(self) -> list[dict[str, Any]]:
        """Return what Prometheus asks."""

        def job(name: str, *targets: str, **rest: object) -> dict[str, Any]:
            return {"job_name": name, "static_configs": [{"targets": list(targets)}], **rest}

        # For a process that hangs the other waits two seconds, and so has Prometheus to.
        patient = {"scrape_interval": "3s", "scrape_timeout": "3s"}
        named = [{"target_label": "job", "replacement": "voxlake"}]
        return [
            job("voxlake", self.gateway.target),
            job("voxlake-pair", self.pair.target, relabel_configs=named, **patient),
            job("dask", f"127.0.0.1:{self.dask.dashboard}"),
            job("store", self.store.target, self.full_store.target),
        ]

    def add(self, sample: Sample) -> None:
        """Add a dataset, and measure what is stored."""
        with open_catalog(self.lake, Settings()) as catalog:
            add_sample(self.lake, catalog, sample)
        voxlake("usage", "measure")


def voxlake(*words: object) -> dict[str, Any]:
    """Give a command as an administrator does, and return what it answers."""
    with redirect_stdout(io.StringIO()) as said:
        code = main([*map(str, words), "--json"])
    assert code in {DONE, PARTIAL}, said.getvalue()
    answer = json.loads(said.getvalue())
    assert isinstance(answer, dict)
    return answer


@contextmanager
def laboratory(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Laboratory]:
    """Run all until the end of the block, with a lake whose limit and budget are nearly used."""
    with ExitStack() as stack:
        spool = stack.enter_context(small_folder(folder / "spool", LITTLE_BYTES))
        disk = stack.enter_context(small_folder(folder / "disk", DISK_BYTES))
        (disk / "taken").write_bytes(bytes(int(DISK_BYTES * 0.94)))
        # Not the disk of whoever runs this, which may be nearly full, too.
        empty = stack.enter_context(small_folder(folder / "store", ROOM_BYTES))
        store, full_store = Store(empty), Store(disk)
        dask = DaskCluster(folder, dashboard=free_ports(1)[0])
        stack.callback(store.end)
        stack.callback(full_store.end)
        stack.callback(dask.stop)
        with ThreadPoolExecutor() as pool:
            list(pool.map(_begin, (store, full_store)))
        way, issuer = (
            stack.enter_context(s3_proxy(store.endpoint)),
            stack.enter_context(run_issuer()),
        )
        for name, value in _settings(folder, way.endpoint, issuer.url).items():
            patch.setenv(name, value)
        forget_stores()
        lake = StoreURL.parse(f"s3://{BUCKET}/lake")
        gateway, pair = Gateway(folder), Gateway(folder, processes=2)
        disks = (spool, disk)
        made = Laboratory(lake, way, store, full_store, disks, issuer, gateway, pair, dask)
        _fill(made, patch)
        issuer.status = 503
        dask.start(workers=0)
        with ThreadPoolExecutor() as pool:
            list(pool.map(_begin, (gateway, pair)))
        for each in (gateway, pair):
            stack.callback(each.end)
        yield made


def _begin(server: Store | Gateway) -> None:
    server.begin()


def _fill(made: Laboratory, patch: pytest.MonkeyPatch) -> None:
    """Make the lake, and choose limit and price by what it holds."""
    begin_lake(made.lake)
    for sample in SAMPLES:
        made.add(sample)
    held = sum(each["bytes"] for each in voxlake("usage", "stored")["stored"])
    voxlake("usage", "limit", "system", "stored", int(held / NEARLY))
    patch.setenv("VOXLAKE_BUDGET_MONTH", str(BUDGET))
    patch.setenv("VOXLAKE_PRICE_STORED_TB_MONTH", str(BUDGET * NEARLY * 10**12 / held))
    patch.setenv("VOXLAKE_PRICE_SENT_TB", "0.001")


def _settings(folder: Path, store: str, issuer: str) -> dict[str, str]:
    """Return the settings of gateways and commands."""
    return {
        "VOXLAKE_LAKE": f"s3://{BUCKET}/lake",
        "VOXLAKE_DATABASE_URL": f"sqlite:///{folder}/catalog.sqlite",
        "VOXLAKE_S3_ENDPOINT": store,
        "VOXLAKE_S3_ACCESS_KEY_ID": ACCESS_KEY,
        "VOXLAKE_S3_SECRET_ACCESS_KEY": SECRET_KEY,
        "VOXLAKE_STORE_RETRIES": "0",
        "VOXLAKE_WORKERS": "0",
        "VOXLAKE_SPOOL_DIR": str(folder / "spool"),
        "VOXLAKE_GATEWAY_MEMORY_BYTES": str(128 << 20),
        "VOXLAKE_METRICS_PUBLIC": "1",
        "VOXLAKE_OIDC_ISSUER": issuer,
        "VOXLAKE_OIDC_AUDIENCE": "lake",
        "XDG_STATE_HOME": str(folder / "state"),
    }
