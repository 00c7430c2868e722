"""PostgreSQL crashes and comes back under a worker and a gateway, which go on by themselves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import numpy as np
import pytest
from tests.api.lakes import Sample, add_sample, image_voxels
from tests.api.test_serve import PROGRAM
from tests.servers.postgres import Postgres, run_own_postgres

from voxlake.compute.jobs import IngestRequest, Workspace, start_ingest
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.lake import Place
from voxlake.platform import store
from voxlake.platform.catalog import DatasetState
from voxlake.platform.jobs.record import JobState
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from voxlake.platform.store import StoreURL

SOURCE = "phantom:32,40,16000?kind=labels"
PLACE = Place(DatasetName.parse("queue/of/cells"), Kind.LABELS)
PATIENCE_S = 120


@dataclass(frozen=True)
class Installation:
    """A database, a lake, a gateway and a worker; the last two are never started again."""

    postgres: Postgres
    workspace: Workspace
    worker: subprocess.Popen[bytes]
    gateway: subprocess.Popen[str]
    client: httpx2.Client

    def check_alive(self) -> None:
        """Check that nothing ended."""
        assert self.worker.poll() is None
        assert self.gateway.poll() is None


@pytest.fixture
def installation(lake: StoreURL, tmp_path: Path) -> Iterator[Installation]:
    with ExitStack() as stack:
        postgres = stack.enter_context(run_own_postgres())
        settings = Settings(database_url=postgres.url, task_bytes=1)
        workspace = stack.enter_context(Workspace.opened(lake, settings))
        store.write(lake / ".voxlake/lake.json", b"")
        add_sample(lake, workspace.catalog, Sample("lab/brain/em", image_voxels((20, 33, 37))))
        environment = os.environ | {"VOXLAKE_DATABASE_URL": postgres.url, "VOXLAKE_WORKERS": "0"}
        words = ["worker", "--lake", str(lake), "--poll", "0.1"]
        worker = subprocess.Popen([sys.executable, "-m", "voxlake.cli", *words], env=environment)
        stack.callback(_end, worker)
        command = [sys.executable, "-c", PROGRAM, str(lake), str(tmp_path / "state")]
        gateway = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
        )
        stack.callback(_end, gateway)
        assert gateway.stdout is not None
        url, _, token_file = json.loads(gateway.stdout.readline())
        headers = {"Authorization": f"Bearer {Path(token_file).read_text(encoding='ascii')}"}
        client = httpx2.Client(base_url=url, headers=headers, timeout=60)
        yield Installation(postgres, workspace, worker, gateway, stack.enter_context(client))


def _end(process: subprocess.Popen[bytes] | subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.timeout(300)
def test_a_worker_and_a_gateway_outlive_it(installation: Installation) -> None:
    workspace, client = installation.workspace, installation.client
    ledger = workspace.catalog.ledger
    cutout = "/v2/datasets/lab/brain/em/cutout"
    voxels = client.get(cutout, params={"format": "npy"}).raise_for_status().content
    job = ledger.enqueue(start_ingest(workspace, IngestRequest(SOURCE, PLACE)).id)
    _until(lambda: bool(ledger.get_job(job.id).stages) and ledger.count_done(job.id, "ingest") > 5)

    installation.postgres.crash()
    # What a gateway remembers, for a second or so, it may answer by; else it says that it cannot.
    _until(lambda: client.get("/v2/datasets").status_code == 503)
    refused = client.get("/v2/datasets")
    assert refused.json()["type"] == "urn:voxlake:error:store-unavailable"
    assert int(refused.headers["Retry-After"]) > 0
    _until(lambda: client.get("/readyz").status_code == 503)
    assert "catalog" in client.get("/readyz").json()["detail"]
    assert client.get("/healthz").status_code == 200
    told = client.get(cutout, params={"format": "npy"})
    assert told.status_code == 503 or told.content == voxels
    installation.check_alive()

    installation.postgres.start()
    _until(lambda: client.get("/readyz").status_code == 200)
    assert client.get("/v2/datasets").status_code == 200
    assert client.get(cutout, params={"format": "npy"}).content == voxels
    _until(lambda: ledger.get_job(job.id).state is not JobState.RUNNING)
    found = ledger.get_job(job.id)
    assert found.state is JobState.DONE
    assert found.fence == 2  # queued, claimed: nobody began it anew
    assert workspace.catalog.get_dataset(PLACE.name).state is DatasetState.READY
    level = workspace.dataset(PLACE).level(0)
    assert np.unique(level.read(level.box).result()).size > 2
    installation.check_alive()
