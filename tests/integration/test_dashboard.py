"""Dask's dashboard of the cluster that a job runs on: linked while it runs, and about its tasks."""

from __future__ import annotations

import re
import subprocess
import sys
import time
import urllib.request
from typing import TYPE_CHECKING

import dask
import pytest
from tests.installations import begin_lake
from tests.servers.dask import DaskCluster
from tests.servers.processes import free_ports, stop

from voxlake.compute.cluster import opening
from voxlake.compute.cluster.opening import FEW_TASKS_PER_CORE, open_cluster
from voxlake.compute.jobs import IngestRequest, Workspace, start_ingest
from voxlake.compute.passes.threads import available_cores
from voxlake.documents.jobs.job import job_document
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.lake import Place
from voxlake.platform.jobs.record import JobState
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from voxlake.documents.jobs.job import JobDocument
    from voxlake.platform.store import StoreURL

SOURCE = "phantom:32,40,16000?kind=labels"
PLACE = Place(DatasetName.parse("a/b/cells"), Kind.LABELS)
PATIENCE_S = 120
DRAWN = "static/js/bokeh"
"""What a page has that bokeh draws on."""
MANY = FEW_TASKS_PER_CORE * available_cores() + 1


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[DaskCluster]:
    cluster = DaskCluster(tmp_path, dashboard=free_ports(1)[0])
    cluster.start(workers=1)
    yield cluster
    cluster.stop()


def _page(address: str) -> str:
    with urllib.request.urlopen(address, timeout=30) as answer:
        assert answer.status == 200
        return str(answer.read().decode())


def _shown(workspace: Workspace, job: str) -> JobDocument:
    ledger = workspace.catalog.ledger
    return job_document(ledger, ledger.get_job(job), whole=False)


def test_a_job_leads_to_the_dashboard_while_it_runs(lake: StoreURL, cluster: DaskCluster) -> None:
    """What is behind the link has a page of the worker, which names the tasks that it has."""
    words = ["worker", "--once", "--lake", str(lake), "--scheduler", cluster.address]
    with Workspace.opened(begin_lake(lake), Settings(task_bytes=1)) as workspace:
        job = start_ingest(workspace, IngestRequest(SOURCE, PLACE))
        workspace.catalog.ledger.enqueue(job.id)
        process = subprocess.Popen([sys.executable, "-m", "voxlake.cli", *words])
        try:
            deadline, there = time.monotonic() + PATIENCE_S, None
            while there is None:
                assert process.poll() is None
                assert time.monotonic() < deadline
                there = _shown(workspace, job.id).dashboard
            assert there == f"http://127.0.0.1:{cluster.dashboard}/status"
            assert DRAWN in _page(there)
            root = there.removesuffix("/status")
            [worker] = set(
                re.findall(r"worker/[^\"]+\.html", _page(f"{root}/info/main/workers.html"))
            )
            while "RegionTask-" not in _page(f"{root}/info/{worker}"):
                assert process.poll() is None
            process.terminate()  # It hands the job back.
            assert process.wait(PATIENCE_S) == 0
        finally:
            stop(process)
        ended = _shown(workspace, job.id)
        assert (ended.state, ended.dashboard) == (JobState.QUEUED, None)


def test_a_cluster_of_this_machine_has_one_where_it_can_be_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At any free port of the loopback, for jobs that take long enough to be looked at."""
    here = Settings(workers=0)
    with open_cluster(here, MANY) as one, open_cluster(here, MANY) as another:
        assert one.dashboard is not None
        assert another.dashboard is not None
        assert one.dashboard != another.dashboard
        for each in (one, another):
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+/status", each.dashboard or "")
        assert DRAWN in _page(one.dashboard)
    with open_cluster(here, 1) as short:
        assert short.dashboard is None
    monkeypatch.setattr(opening, "can_draw", lambda: False)
    with open_cluster(here, MANY) as plain:
        assert plain.dashboard is None


@pytest.mark.parametrize(
    ("link", "told"),
    [
        ("https://dask.lab/{LAB}/{port}/status", "https://dask.lab/brain/"),
        ("https://dask.lab/{NOWHERE}", None),
    ],
)
def test_the_address_under_which_people_reach_it_is_a_setting_of_dask(
    monkeypatch: pytest.MonkeyPatch, link: str, told: str | None
) -> None:
    monkeypatch.setenv("LAB", "brain")
    with (
        dask.config.set({"distributed.dashboard.link": link}),
        open_cluster(Settings(workers=0), MANY) as cluster,
    ):
        assert (cluster.dashboard or "").startswith(told or "")
        assert (cluster.dashboard is None) is (told is None)
