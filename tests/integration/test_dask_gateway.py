"""Jobs on a dask-gateway: each starts a cluster of its own, which is gone when it ends."""

from __future__ import annotations

import re
import urllib.request
from typing import TYPE_CHECKING

import dask
import numpy as np
import pytest
from dask_gateway import Gateway
from tests.servers.dask_gateway import run_dask_gateway

from voxlake.cli.checks import examine
from voxlake.cli.options import InLake, OnCluster
from voxlake.compute.forecast.machines import machines_of
from voxlake.compute.jobs import IngestRequest, Workspace, run_job, start_ingest
from voxlake.compute.jobs.events import silent
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.lake import Place
from voxlake.platform.errors import ClusterLostError
from voxlake.platform.jobs.record import JobState
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tests.servers.dask_gateway import DaskGateway

    from voxlake.compute.jobs import Event, Report

SOURCE = "phantom:64,64,256?kind=labels"
PASSWORD = "of-the-test-alone"

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskGateway]:
    with run_dask_gateway(tmp_path_factory.mktemp("gateway"), PASSWORD) as running:
        yield running


def _ingested(workspace: Workspace, name: str, report: Report = silent) -> np.ndarray:
    place = Place(DatasetName.parse(f"a/b/{name}"), Kind.LABELS)
    run_job(workspace, start_ingest(workspace, IngestRequest(SOURCE, place)), report)
    volume = workspace.dataset(place).level(0)
    return volume.read(volume.box).result()


def _signed_in(password: str) -> AbstractContextManager[None]:
    options = {"username": "ada", "password": password}
    return dask.config.set({"gateway.auth.type": "basic", "gateway.auth.kwargs": options})


def test_a_job_has_a_cluster_of_its_own_while_it_runs(gateway: DaskGateway, tmp_path: Path) -> None:
    lake = StoreURL.parse(str(tmp_path))
    with Workspace.opened(lake, Settings(workers=0)) as workspace:
        expected = _ingested(workspace, "here")
    there = Settings(scheduler=f"gateway+{gateway.address}", workers=1)
    with _signed_in(PASSWORD), Workspace.opened(lake, there) as workspace:
        shown: list[str] = []

        def look(_event: Event) -> None:
            [job, *_] = workspace.catalog.ledger.list_jobs()
            with urllib.request.urlopen(job.dashboard or "", timeout=30) as answer:
                shown.append(answer.read().decode())

        np.testing.assert_array_equal(_ingested(workspace, "there", look), expected)
        assert "static/js/bokeh" in shown[0]
        assert Gateway(gateway.address).list_clusters() == []
    assert len(re.findall(r"Worker \w+ submitted", gateway.log.read_text())) == 1


def test_who_is_not_let_in_is_told(gateway: DaskGateway, tmp_path: Path) -> None:
    there = Settings(scheduler=f"gateway+{gateway.address}")
    with (
        _signed_in("another"),
        Workspace.opened(StoreURL.parse(str(tmp_path)), there) as workspace,
    ):
        with pytest.raises(ClusterLostError, match=r"gives no Dask cluster \(401"):
            _ingested(workspace, "there")
        [job] = workspace.catalog.ledger.list_jobs()
        assert job.state is JobState.DEGRADED


def test_the_doctor_and_the_forecast_start_no_cluster(gateway: DaskGateway) -> None:
    address = f"gateway+{gateway.address}"
    with _signed_in(PASSWORD):
        told = {check.name: check for check in examine(InLake(None), OnCluster(None, address))}
        machines = machines_of(Settings(scheduler=address))
    assert told["scheduler"].state == "ok"
    assert "starts a cluster for each job" in told["scheduler"].found
    assert "this machine" in machines.assumed
