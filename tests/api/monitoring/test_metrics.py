"""Metrics say what happened, in few series, to those who may know."""

from __future__ import annotations

import asyncio
import random
import re
import string
import time
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.api.asgi import InProcess
from tests.api.conftest import Served, run_app
from tests.docs.pages import ROOT
from tests.servers.issuer import run_issuer

from voxlake.api.app import create_app
from voxlake.api.http.layers.exchange import CutOff, Exchange
from voxlake.api.http.limits.budget import Budget
from voxlake.api.identity.oidc.issuer import Issuer, Pace
from voxlake.api.monitoring.costs import Costs
from voxlake.api.monitoring.disks import Disks
from voxlake.api.monitoring.jobs import Jobs
from voxlake.api.monitoring.metrics import Metrics
from voxlake.api.monitoring.quotas import Quotas
from voxlake.api.monitoring.resources import Resources
from voxlake.api.workers.worker import Worker
from voxlake.ngff.memory.cache import Cache, Cached
from voxlake.platform.access import Permission
from voxlake.platform.catalog.identity.tokens import TokenTerms
from voxlake.platform.errors import StoreUnavailableError
from voxlake.platform.jobs.record import JobState
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings
from voxlake.platform.store.counts import COUNTS, FAILURES, StoreCounts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DATASET = "/v2/datasets/{collection}/{experiment}/{dataset}"
OBJECT = "/zarr/{collection}/{experiment}/{dataset}/{key}"
PATHS = 1000
OF_NONE = {"route": "none", "method": "other", "status": "4xx"}

type Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def read(text: str | bytes) -> Samples:
    """Return all samples, as Prometheus itself would read them."""
    families = text_string_to_metric_families(text if isinstance(text, str) else text.decode())
    return {
        (one.name, frozenset(one.labels.items())): one.value
        for family in families
        for one in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    """Return a sample; 0 if it is not there."""
    return samples.get((f"voxlake_{name}", frozenset(labels.items())), 0)


@pytest.fixture(scope="module")
def fresh(served: Served) -> Any:
    """A gateway that has counted nothing, over the same lake."""
    settings = served.app.state.gateway.settings
    return create_app(settings, served.lake, served.catalog, served.identity)


@pytest.fixture(scope="module")
def gateway(served: Served, fresh: Any) -> Iterator[httpx2.Client]:
    """A client of its owner."""
    headers = served.client(owner=True).headers
    with run_app(fresh) as url, httpx2.Client(base_url=url, headers=headers) as client:
        yield client


def counted(gateway: httpx2.Client, requests: float, **labels: str) -> Samples:
    """Return the samples once so many requests of a kind are counted, soon after their answers."""
    deadline = time.monotonic() + 60
    while True:
        samples = read(gateway.get("/metrics").text)
        if value(samples, "requests_total", **labels) >= requests:
            return samples
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_requests_are_counted_by_route(gateway: httpx2.Client) -> None:
    begin = read(gateway.get("/metrics").text)
    wanted = [("GET", "lab/brain/em"), ("GET", "lab/brain/secret"), ("GET", "lab/brain/absent")]
    answers = [gateway.request(how, f"/v2/datasets/{name}") for how, name in wanted]
    end = counted(gateway, 2, route=DATASET, method="GET", status="2xx")
    of_route = {"route": DATASET, "method": "GET"}

    def more(name: str, **labels: str) -> float:
        return value(end, name, **labels) - value(begin, name, **labels)

    assert more("requests_total", status="2xx", **of_route) == 2
    assert more("requests_total", status="4xx", **of_route) == 1
    assert more("sent_bytes_total", route=DATASET) == sum(len(each.content) for each in answers)
    assert more("request_seconds_count", route=DATASET) == 3
    assert more("request_seconds_bucket", route=DATASET, le="60.0") == 3
    assert 0 < more("request_seconds_sum", route=DATASET) < 60
    assert value(end, "requests_in_flight") == 1  # the one that asks


def test_what_the_gateway_uses_is_told(gateway: httpx2.Client, fresh: Any) -> None:
    begin = read(gateway.get("/metrics").text)
    assert gateway.get("/zarr/lab/brain/em/0/c/0/0/0").status_code == 200
    end = read(gateway.get("/metrics").text)
    reads = "store_requests_total"
    assert value(end, reads, action="read") > value(begin, reads, action="read")
    limit = fresh.state.gateway.answers.limit_bytes
    assert value(end, "answers_memory_limit_bytes") == limit
    assert value(end, "answers_memory_bytes") == 0
    assert ("process_resident_memory_bytes", frozenset[tuple[str, str]]()) in end


def test_the_cache_is_told_by_kind() -> None:
    cache, metrics = Cache(limit_bytes=10), Metrics()
    kept = Cached[str]("words", cache)
    for key in ("one", "one", "two"):
        kept.get(key, lambda: "a value", size=len)
    metrics.add(Resources(Budget(1 << 20), None, cache, StoreCounts()))
    found = read(metrics.text())
    told = {name: value(found, f"cache_{name}", kind="words") for name in ("bytes", "hits_total")}
    assert told == {"bytes": 7, "hits_total": 1}
    assert value(found, "cache_misses_total", kind="words") == 2
    assert value(found, "cache_evictions_total", kind="words") == 1


def test_failures_of_the_store_are_told(gateway: httpx2.Client) -> None:
    labels = {"kind": "store-unavailable"}
    begin = value(read(gateway.get("/metrics").text), "store_failures_total", **labels)
    COUNTS.count_failure(labels["kind"])
    end = value(read(gateway.get("/metrics").text), "store_failures_total", **labels)
    assert end == begin + 1


def test_cut_off_and_throttled_requests_are_counted() -> None:
    metrics = Metrics()
    metrics.count(Exchange("GET", route="/a", status=429, is_whole=True))
    metrics.count(Exchange("GET", route="/a", status=200, cut_off=CutOff.STALLED))
    metrics.count(Exchange("BREW", cut_off=CutOff.CLIENT))
    found = read(metrics.text())
    assert value(found, "throttled_requests_total") == 1
    assert value(found, "cut_off_requests_total", cause="stalled") == 1
    assert value(found, "requests_total", route="none", method="other", status="none") == 1


def test_counts_of_failures_begin_at_0() -> None:
    metrics = Metrics()
    metrics.add(Resources(Budget(1 << 20), store=StoreCounts()))
    metrics.count(Exchange("GET", route="/a", status=200, is_whole=True))
    found = read(metrics.text())
    failures = [("cut_off_requests_total", "cause", cause.value) for cause in CutOff]
    failures += [("store_failures_total", "kind", kind) for kind in FAILURES]
    failed = {"route": "/a", "method": "GET", "status": "5xx"}
    labels = [(name, {label: kind}) for name, label, kind in failures]
    for name, told in [*labels, ("requests_total", failed), ("throttled_requests_total", {})]:
        assert found[f"voxlake_{name}", frozenset(told.items())] == 0


def test_no_room_is_told_aside_from_failures() -> None:
    metrics = Metrics()
    for status in (500, 507, 503):
        metrics.count(Exchange("PUT", route="/a", status=status, is_whole=True))
    found, of_route = read(metrics.text()), {"route": "/a", "method": "PUT"}
    assert value(found, "requests_total", status="5xx", **of_route) == 2
    assert value(found, "requests_total", status="507", **of_route) == 1


def test_made_up_methods_take_no_memory() -> None:
    metrics = Metrics()
    for number in range(PATHS):
        metrics.count(Exchange(f"BREW{number}", status=405, is_whole=True))
    assert len(metrics._series) == 1
    assert value(read(metrics.text()), "requests_total", **OF_NONE) == PATHS


def test_no_series_names_a_place_or_a_person(served: Served, gateway: httpx2.Client) -> None:
    served.catalog.people.add_user("augusta")
    _, secret = served.catalog.tokens.make("augusta", "reading")
    for path in ("/v2/datasets/lab/brain/em", "/zarr/lab/brain/em/0/c/0/0/0"):
        headers = {"Authorization": f"Bearer {secret}"}
        assert httpx2.get(f"{gateway.base_url}{path}", headers=headers).status_code == 200
    assert not re.search("brain|augusta", gateway.get("/metrics").text)


def test_an_issuer_that_does_not_answer_is_told() -> None:
    with run_issuer() as scripted:
        issuer, metrics = Issuer(scripted.url, Pace(fresh=0, retry=0)), Metrics()
        metrics.add(Resources(Budget(1), issuer))
        told = []
        for status in (200, 503):
            told.append(value(read(metrics.text()), "issuer_up"))
            scripted.status = status
            asyncio.run(issuer.state())
    assert [*told, value(read(metrics.text()), "issuer_up")] == [1, 1, 0]


def test_random_addresses_add_no_series(fresh: Any) -> None:
    chance = random.Random(1)
    shapes = {
        # For these the catalog is looked at, which takes a while.
        "/v2/datasets/{}/{}/{}": 1,
        "/zarr/{}/{}/{}/{}": 1,
        "/view/{}/{}/{}": 1,
        "/neuroglancer/{}": 1,
        "/{}": 30,
        "/{}/{}": 30,
    }

    def path(shape: str) -> str:
        words = ("".join(chance.choices(string.ascii_letters, k=12)) for _ in range(4))
        return shape.format(*words)

    metrics = fresh.state.gateway.metrics
    with InProcess(fresh) as gateway:
        for shape in shapes:
            for method in ("GET", "BREW"):
                gateway.ask(method, path(shape))
        before = read(metrics.text())
        for shape in chance.choices(list(shapes), list(shapes.values()), k=PATHS):
            gateway.ask("GET", path(shape))
            gateway.ask("BREW", path(chance.choice(["/{}", "/neuroglancer/{}"])))
    after = read(metrics.text())
    assert after.keys() == before.keys()
    total = "voxlake_requests_total"
    assert sum(n for (name, _), n in after.items() if name == total) >= PATHS
    assert len(after) < 500


def test_only_administrators_may_read_them(served: Served) -> None:
    people, tokens = served.catalog.people, served.catalog.tokens
    people.add_user("watcher", administrator=True)
    people.add_user("curious")
    node = served.catalog.get_dataset(DatasetName.parse("lab/brain/em")).path[-1]
    may_read = TokenTerms(permissions=frozenset({Permission.READ}))

    def status(user: str, terms: TokenTerms | None = None) -> int:
        _, secret = tokens.make(user, "scrape", terms)
        headers = {"Authorization": f"Bearer {secret}"}
        return httpx2.get(f"{served.url}/metrics", headers=headers).status_code

    assert httpx2.get(f"{served.url}/metrics").status_code == 401
    assert status("watcher") == status("watcher", may_read) == 200
    assert status("watcher", TokenTerms(node=node)) == 403
    may_write = TokenTerms(permissions=frozenset({Permission.ADD_VOLUMETRIC_DATA}))
    assert status("watcher", may_write) == 403
    assert status("curious") == 403


def test_they_can_be_open_to_everybody(served: Served) -> None:
    settings = served.app.state.gateway.settings.model_copy(update={"metrics_public": True})
    app = create_app(settings, served.lake, served.catalog, served.identity)
    with run_app(app) as url:
        answer = httpx2.get(f"{url}/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")


def test_it_tells_how_jobs_stand(fresh: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = fresh.state.gateway
    told = read(gateway.metrics.text())
    listed = gateway.catalog.ledger.list_jobs()
    for state in JobState:
        count = sum(job.state is state for job in listed)
        assert told["voxlake_jobs", frozenset({("state", state.value)})] == count

    def away(_database: object) -> None:
        raise StoreUnavailableError("the database does not answer")

    monkeypatch.setattr("voxlake.api.monitoring.jobs.standing", away)
    left = read(gateway.metrics.text())
    assert {name for name, _ in told} - {name for name, _ in left} == {
        "voxlake_deleted",
        "voxlake_jobs",
        "voxlake_jobs_waited_seconds",
    }


def test_what_the_documentation_names_is_there(tmp_path: Path, served: Served) -> None:
    page = (ROOT / "docs/how-to/watch-a-gateway.md").read_text()
    metrics = Metrics()
    metrics.add(Resources(Budget(1), Issuer("https://id.example.org")))
    metrics.add(Disks(served.lake, Settings()))
    metrics.add(Jobs(served.catalog.database))
    metrics.add(Quotas(served.catalog.usage))
    metrics.add(Costs(served.catalog.usage, Settings()))
    metrics.tell_others(Worker(0, 1, tmp_path, listener=0))
    said = metrics.text().decode()
    named = set(re.findall(r"\bvoxlake_[a-z]\w+", page))
    assert len(named) > 10
    for name in named:
        family = re.sub(r"_(total|bucket)$", "", name)
        assert re.search(rf"^# HELP ({name}|{family}) ", said, re.MULTILINE), name
