"""A trace leads from a request to the job that it queued, and to who ran it."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import httpx2
import pytest
from tests.api.conftest import TOKEN, run_app
from tests.api.lakes import Sample, add_sample, image_voxels
from tests.servers.otlp import Receiver, run_receiver

from voxlake.api.app import create_app
from voxlake.api.identity.local import LocalIdentity
from voxlake.compute.jobs import Workspace
from voxlake.compute.jobs.kinds.downsample import start_downsample
from voxlake.compute.jobs.running import run_job
from voxlake.platform.catalog import Catalog, open_catalog
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings
from voxlake.platform.telemetry.logs import written_logs
from voxlake.platform.telemetry.traces import span, traced

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.platform.store import StoreURL

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
GIVEN = {"traceparent": f"00-{TRACE}-{SPAN}-01", "Authorization": f"Bearer {TOKEN}"}
EM = "/v2/datasets/a/b/em"


@pytest.fixture
def catalog(lake: StoreURL) -> Iterator[Catalog]:
    """The catalog of a lake with an image."""
    with open_catalog(lake, Settings()) as opened:
        add_sample(lake, opened, Sample("a/b/em", image_voxels((20, 30, 40))))
        yield opened


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with run_receiver() as running:
        yield running


def settings(receiver: Receiver, *proxies: str) -> Settings:
    """Return those of a gateway that believes some proxies."""
    return Settings(traces_url=receiver.url, trusted_proxies=proxies, workers=0, log_format="json")


def test_a_request_and_its_job_are_one_trace(
    lake: StoreURL, catalog: Catalog, receiver: Receiver
) -> None:
    of_gateway = settings(receiver, "127.0.0.1")
    app = create_app(of_gateway, lake, catalog, LocalIdentity(TOKEN))
    with traced(of_gateway, "gateway"), run_app(app) as url:
        assert httpx2.delete(f"{url}{EM}", headers=GIVEN).status_code == 202
    [job] = catalog.ledger.list_jobs()
    with traced(of_gateway, "worker"):
        run_job(Workspace(lake, catalog, of_gateway), job)
    request = receiver.named("DELETE /v2/datasets/{collection}/{experiment}/{dataset}")
    assert (request.service, request.trace, request.parent) == ("gateway", TRACE, SPAN)
    assert request.facts["http.response.status_code"] == "202"
    ran = receiver.named(f"job {job.kind}")
    assert (ran.service, ran.trace, ran.parent) == ("worker", TRACE, request.span)
    assert ran.facts == {"job": job.id, "dataset": "a/b/em"}
    inside = {each.name for each in receiver.spans if each.parent == ran.span}
    # On S3 a job also reads, which on a folder is no request.
    assert inside - {"store read"} == {"store list", "store write"}


def test_a_job_is_told_by_stages(lake: StoreURL, catalog: Catalog, receiver: Receiver) -> None:
    of_worker = settings(receiver)
    workspace = Workspace(lake, catalog, of_worker)
    with traced(of_worker, "worker"), span("asked"):
        job = start_downsample(workspace, DatasetName("a", "b", "em"))
    with traced(of_worker, "worker"):
        done = run_job(workspace, job)
    ran = receiver.named("job downsample")
    assert ran.parent == receiver.named("asked").span
    [stage] = done.stages
    told = receiver.named(f"stage {stage.stage}")
    assert told.parent == ran.span
    assert told.facts == {"tasks": str(stage.ran), "voxels": str(stage.voxels)}


def test_logs_and_problems_say_what_the_trace_is_found_by(
    lake: StoreURL, catalog: Catalog, receiver: Receiver
) -> None:
    of_gateway, log = settings(receiver, "127.0.0.1"), io.StringIO()
    app = create_app(of_gateway, lake, catalog, LocalIdentity(TOKEN))
    with written_logs(of_gateway, log), traced(of_gateway, "gateway"), run_app(app) as url:
        answer = httpx2.get(f"{url}{EM}x", headers=GIVEN)
    assert (answer.status_code, answer.json()["trace_id"]) == (404, TRACE)
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [line["trace_id"] for line in lines if line["event"] == "request"] == [TRACE]


def test_who_is_no_proxy_decides_nothing(
    lake: StoreURL, catalog: Catalog, receiver: Receiver
) -> None:
    of_gateway = settings(receiver)
    app = create_app(of_gateway, lake, catalog, LocalIdentity(TOKEN))
    with traced(of_gateway, "gateway"), run_app(app) as url:
        assert httpx2.get(f"{url}/healthz", headers=GIVEN).status_code == 200
    [request] = receiver.spans
    assert request.parent == ""
    assert request.trace != TRACE


def test_a_problem_without_a_receiver_has_no_trace(lake: StoreURL, catalog: Catalog) -> None:
    app = create_app(Settings(), lake, catalog, LocalIdentity(TOKEN))
    with run_app(app) as url:
        assert "trace_id" not in httpx2.get(f"{url}{EM}x", headers=GIVEN).json()
