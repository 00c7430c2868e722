"""Each alert is brought about as it comes about, told to people, and over when it is over.

Real servers are killed, filled, held up and overcharged; a minute of the rules is a second here.
"""

from __future__ import annotations

import math
import re
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from sqlalchemy import update
from tests.api.http.limits.test_throttle import stalled
from tests.api.lakes import Sample, image_voxels
from tests.deploy.monitoring.laboratory import Laboratory, laboratory, voxlake
from tests.deploy.monitoring.receivers import Receivers, receiving
from tests.deploy.monitoring.test_rules import DASHBOARDS, panels
from tests.deploy.monitoring.test_rules import RULES as WRITTEN
from tests.deploy.monitoring.watching import (
    DOCS,
    Prometheus,
    alertmanager,
    prometheus,
    until,
)
from tests.servers.folders import grow
from tests.servers.s3_proxy import Fault, Request

from voxlake.platform.catalog import open_catalog
from voxlake.platform.database import now
from voxlake.platform.jobs.tables import jobs
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Set
    from pathlib import Path

RULES = {rule["alert"]: rule for rule in WRITTEN}
WHEN_AWAY = {"VoxlakeDown", "StoreDown", "DaskSchedulerDown"}
WHEN_USED_UP = {"LimitIsReached", "BudgetIsReached"}
LATER = WHEN_AWAY | WHEN_USED_UP
FIRST = RULES.keys() - LATER
PANELS = [
    (panel["title"], target["expr"])
    for file in DASHBOARDS
    for panel in panels(file)
    for target in panel["targets"]
]
pytestmark = pytest.mark.timeout(600)


@dataclass(frozen=True)
class Told:
    """What came of all."""

    firing: dict[str, dict[str, Any]]
    """Alerts by name, as the webhook heard of them."""
    over: dict[str, dict[str, Any]]
    mails: list[str]
    panels: dict[str, list[float]]
    """What each expression of the dashboards had at the end."""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """All that is told while things go wrong, and are mended."""
    with pytest.MonkeyPatch.context() as patch:
        return _happen(tmp_path_factory.mktemp("situations"), patch)


def _happen(folder: Path, patch: pytest.MonkeyPatch) -> Told:
    with ExitStack() as stack:
        lake = stack.enter_context(laboratory(folder, patch))
        receivers = stack.enter_context(receiving())
        manager = stack.enter_context(alertmanager(folder, receivers))
        stack.enter_context(_asked(lake, ["/readyz"]))
        _let_jobs_stand(lake)
        watch = stack.enter_context(prometheus(folder, manager, lake.scraped()))
        with _trouble(lake):
            _wait_for(watch, receivers, FIRST)
        _end_trouble(lake)
        _let_some_be_away(lake)
        lake.add(Sample("lab/brain/more", image_voxels((90, 90, 90), 3)))
        _wait_for(watch, receivers, LATER)
        _bring_back(lake)
        # Less is stored than before, so that limit and budget are not near again.
        for name in ("more", "broken"):
            voxlake("rm", f"lab/brain/{name}")
        until(lambda: not watch.firing(), lambda: f"{watch.firing()} fire on")
        until(
            lambda: receivers.alerts("resolved").keys() == RULES.keys(),
            lambda: f"{RULES.keys() - receivers.alerts('resolved').keys()} are not told to be over",
        )
        panels = {expression: watch.query(expression) for _, expression in PANELS}
        return Told(
            receivers.alerts("firing"), receivers.alerts("resolved"), receivers.texts(), panels
        )


def _let_jobs_stand(lake: Laboratory) -> None:
    """Let a job fail, and another wait for two hours."""
    lake.way.choose = _fails
    source = "phantom:16,16,16"
    voxlake("ingest", source, "lab/brain/broken-too", "--kind", "image", "--queue")
    voxlake("worker", "--once")
    voxlake("ingest", source, "lab/brain/waiting", "--kind", "image", "--queue")
    with open_catalog(lake.lake, Settings()) as catalog, catalog.database.write() as connection:
        waiting = update(jobs).where(jobs.c.state == "queued")
        connection.execute(waiting.values(queued_at=now() - timedelta(hours=2)))


def _fails(request: Request) -> Fault | None:
    is_voxels = "/c/" in request.key
    return Fault.BUSY if is_voxels and "/broken" in request.key else None


@contextmanager
def _asked(lake: Laboratory, paths: list[str]) -> Iterator[None]:
    """Ask the gateway for each path again and again until the end of the block."""
    over = threading.Event()

    def ask(path: str) -> None:
        with httpx2.Client(base_url=f"http://{lake.gateway.target}", timeout=None) as client:
            while not over.wait(0.1):
                client.get(path)

    asking = [threading.Thread(target=ask, args=(path,)) for path in paths]
    for each in asking:
        each.start()
    try:
        yield
    finally:
        over.set()
        for each in asking:
            each.join()


@contextmanager
def _trouble(lake: Laboratory) -> Iterator[None]:
    """Let the store be slow, and fail; clients take nothing; and a process of a gateway hang."""
    lake.way.latency_s = 1.2
    hanging = lake.pair.parts()[0]
    hanging.suspend()
    names = ("em", "em", "em", "broken")
    with (
        _asked(lake, [f"/zarr/lab/brain/{name}/0/c/0/0/0" for name in names]),
        ExitStack() as clients,
    ):
        for _ in range(80):
            clients.enter_context(stalled(f"http://{lake.gateway.target}", {}))
        yield
    hanging.resume()


def _end_trouble(lake: Laboratory) -> None:
    """Let all be well that was not, and jobs be done."""
    lake.way.latency_s, lake.way.choose = 0, lambda _: None
    lake.issuer.status = 200
    for disk in lake.disks:
        grow(disk, 4 << 30)
    voxlake("worker", "--once")
    for job in voxlake("jobs")["jobs"]:
        if job["state"] in {"failed", "degraded"}:
            voxlake("jobs", "cancel", job["id"])


def _let_some_be_away(lake: Laboratory) -> None:
    """Kill one of each."""
    lake.pair.end()
    lake.full_store.end()
    lake.dask.kill_scheduler()


def _bring_back(lake: Laboratory) -> None:
    """Start what was killed."""
    lake.pair.begin()
    lake.full_store.begin()
    lake.dask.start(workers=1)


def _wait_for(watch: Prometheus, receivers: Receivers, names: Set[str]) -> None:
    """Wait until people were told of alerts, by webhook and mail."""
    until(
        lambda: not receivers.unheard(names),
        lambda: f"{receivers.unheard(names)} are not told; {watch.firing()} fire; {watch.faults()}",
    )


@pytest.mark.parametrize("name", RULES)
def test_people_are_told_what_where_since_when_and_what_to_do(name: str, told: Told) -> None:
    alert, annotations = told.firing[name], RULES[name]["annotations"]
    page = f"{DOCS}/how-to/answer-an-alert.md#{name.lower()}"
    said = alert["annotations"]
    assert (said["todo"], said["runbook_url"]) == (annotations["todo"], page)
    # All that the rule leaves open is known when it fires.
    fixed = [re.escape(part) for part in re.split(r"\{\{.*?\}\}", annotations["summary"])]
    assert re.fullmatch(r"[^<>]+".join(fixed), said["summary"]), said["summary"]
    assert "no value" not in said["summary"]
    assert alert["labels"]["severity"] == RULES[name]["labels"]["severity"]
    assert "docs" not in alert["labels"]
    since = datetime.fromisoformat(alert["startsAt"])
    text = f"{name}: {said['summary']}\nTo do: {said['todo']}\nMore: {page}\nSince {since:%Y-%m-%d}"
    assert any(text in mail for mail in told.mails)


@pytest.mark.parametrize("name", RULES)
def test_they_are_told_when_it_is_over(name: str, told: Told) -> None:
    assert f"Over: {name}: " in "\n".join(told.mails)
    assert told.over[name]["endsAt"] > told.over[name]["startsAt"]


@pytest.mark.parametrize(("panel", "expression"), PANELS)
def test_a_panel_shows_something(panel: str, expression: str, told: Told) -> None:
    assert [value for value in told.panels[expression] if not math.isnan(value)], panel
