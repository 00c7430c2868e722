"""A whole installation, each part on a machine of its own, from which others are cut off."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import numpy as np
import pytest
from tests.api.test_serve import PROGRAM
from tests.servers.network import Network, run_network
from tests.servers.postgres import run_postgres_on
from tests.servers.s3 import ACCESS_KEY, SECRET_KEY, run_s3_on

if TYPE_CHECKING:
    from collections.abc import Iterator

MACHINES = ("store", "database", "scheduler", "one", "two", "worker", "gateway")
DATASET = "lab/far/cells"
CUT_S = 3.0
PATIENCE_S = 180

pytestmark = pytest.mark.timeout(600)


@dataclass(frozen=True)
class Installation:
    """What runs, as who sits at the gateway's machine sees it."""

    network: Network
    client: httpx2.Client

    def ask(self, method: str, path: str, **asked: Any) -> httpx2.Response:
        """Ask the gateway."""
        with self.network.at("gateway"):
            answer = self.client.request(method, path, **asked)
        assert answer.status_code < 300, answer.text
        return answer

    def wait_for_share(self, job: str, share: float) -> None:
        """Wait until so much of a job is done, and more is to do."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            told = self.ask("GET", f"/v2/jobs/{job}").json()
            assert told["state"] in {"queued", "running"}, told
            tasks, done = (sum(s[name] for s in told["stages"]) for name in ("tasks", "done"))
            if tasks and done >= share * tasks:
                return
            assert time.monotonic() < deadline, told

    def cut_for_a_while(self, machine: str) -> None:
        """Pull a machine's cable, and put it back."""
        self.network.cut(machine)
        time.sleep(CUT_S)
        self.network.join(machine)


@contextmanager
def _installation(folder: Path, sources: Path) -> Iterator[Installation]:
    with ExitStack() as stack:
        network = stack.enter_context(run_network(*MACHINES))
        (folder / "store").mkdir()
        store = stack.enter_context(run_s3_on(network, "store", folder / "store"))
        database = stack.enter_context(run_postgres_on(network, "database"))
        scheduler = f"tcp://{network.address('scheduler')}:8786"
        keys = {
            "VOXLAKE_S3_ENDPOINT": store.endpoint,
            "VOXLAKE_S3_ACCESS_KEY_ID": ACCESS_KEY,
            "VOXLAKE_S3_SECRET_ACCESS_KEY": SECRET_KEY,
        }
        settings = keys | {
            "VOXLAKE_LAKE": f"s3://{store.bucket}/lake",
            "VOXLAKE_DATABASE_URL": database,
            "VOXLAKE_SCHEDULER": scheduler,
            "VOXLAKE_TASK_BYTES": "1",
            "VOXLAKE_INGEST_STORES": str(sources),
        }

        def begin(machine: str, environment: dict[str, str], *words: str) -> subprocess.Popen[str]:
            log = stack.enter_context((folder / f"{machine}.log").open("w"))
            process = subprocess.Popen(
                network.on(machine, sys.executable, *words),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=os.environ | environment,
            )
            stack.callback(_end, process)
            return process

        init = begin("gateway", settings, "-m", "voxlake.cli", "init")
        host = ["--host", network.address("scheduler"), "--port", "8786", "--no-dashboard"]
        begin("scheduler", {}, "-m", "dask", "scheduler", *host)
        for machine in ("one", "two"):
            options = [scheduler, "--nthreads", "1", "--no-dashboard"]
            begin(machine, keys, "-m", "dask", "worker", *options, "--no-nanny")
        assert init.wait(PATIENCE_S) == 0
        begin("worker", settings, "-m", "voxlake.cli", "worker", "--poll", "0.1")
        words = [PROGRAM, settings["VOXLAKE_LAKE"], str(folder / "secrets")]
        gateway = begin("gateway", settings, "-c", *words)
        assert gateway.stdout is not None
        url, _, token = json.loads(gateway.stdout.readline())
        headers = {"Authorization": f"Bearer {Path(token).read_text(encoding='ascii')}"}
        client = httpx2.Client(base_url=url, headers=headers, timeout=60)
        yield Installation(network, stack.enter_context(client))


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_a_job_outlives_cuts_between_machines(tmp_path: Path) -> None:
    """What is cut off is the store, then the database, each for some seconds in the midst of it."""
    sources = tmp_path / "sources"
    sources.mkdir()
    voxels = np.random.default_rng(5).integers(0, 9, (32, 40, 16000)).astype(np.uint16)
    np.save(sources / "cells.npy", voxels)
    asked: dict[str, Any] = {"kind": "ingest", "dataset": DATASET}
    asked |= {"source": str(sources / "cells.npy"), "as_kind": "labels", "voxel_size": [8, 8, 8]}
    with _installation(tmp_path, sources) as there:
        there.ask("POST", "/v2/collections", json={"name": "lab"})
        there.ask("POST", "/v2/collections/lab/experiments", json={"name": "far"})
        job = there.ask("POST", "/v2/jobs", json=asked).json()["id"]
        there.wait_for_share(job, 0.2)
        there.cut_for_a_while("store")
        there.wait_for_share(job, 0.5)
        there.cut_for_a_while("database")
        deadline = time.monotonic() + PATIENCE_S
        while (told := there.ask("GET", f"/v2/jobs/{job}").json())["state"] != "done":
            assert told["state"] in {"queued", "running"}, told
            assert time.monotonic() < deadline, told
            time.sleep(0.1)
        answer = there.ask("GET", f"/v2/datasets/{DATASET}/cutout", params={"format": "npy"})
    np.testing.assert_array_equal(np.load(io.BytesIO(answer.content)), voxels)
