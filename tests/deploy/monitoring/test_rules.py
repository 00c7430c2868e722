"""Rules and dashboards ask for metrics that are there, and every rule is fired."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.docs.pages import ROOT

from voxlake.api.http.limits.budget import Budget
from voxlake.api.identity.oidc.issuer import Issuer
from voxlake.api.monitoring.costs import Costs
from voxlake.api.monitoring.disks import Disks
from voxlake.api.monitoring.jobs import Jobs
from voxlake.api.monitoring.metrics import Metrics
from voxlake.api.monitoring.quotas import Quotas
from voxlake.api.monitoring.resources import Resources
from voxlake.platform.catalog import open_catalog
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

MONITORING = ROOT / "deploy" / "monitoring"
DASHBOARDS = sorted((MONITORING / "dashboards").glob("*.json"))
RULES = [
    rule
    for group in yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]
OF_OTHERS = ("dask_", "SeaweedFS_", "up")
"""Metrics of others: tests/deploy/test_readme.py looks for them where they run."""


def panels(dashboard: Path) -> list[dict[str, Any]]:
    """Return the panels of a dashboard."""
    found: list[dict[str, Any]] = json.loads(dashboard.read_text())["panels"]
    return found


EXPRESSIONS = [
    *(rule["expr"] for rule in RULES),
    *(
        target["expr"]
        for dashboard in DASHBOARDS
        for panel in panels(dashboard)
        for target in panel["targets"]
    ),
]


def metrics_of(expression: str) -> set[str]:
    """Return the metrics that an expression names.

    >>> sorted(metrics_of('sum by (le) (rate(voxlake_a_bucket{route=~"voxlake_b"}[5m])) / up'))
    ['up', 'voxlake_a_bucket']
    """
    bare = re.sub(r'"[^"]*"|\b(?:by|on|without) \([^)]*\)', "", expression)
    return set(re.findall(r"\b(?:voxlake_|process_|dask_|SeaweedFS_)\w+|\bup\b", bare))


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """All that a gateway can tell, whether or not it has happened."""
    lake = StoreURL.parse(str(tmp_path_factory.mktemp("metrics") / "lake"))
    metrics = Metrics()
    metrics.add(Resources(Budget(1), Issuer("https://id.example.org")))
    with open_catalog(lake, Settings()) as catalog:
        metrics.add(Disks(lake, Settings()))
        metrics.add(Jobs(catalog.database))
        metrics.add(Quotas(catalog.usage))
        metrics.add(Costs(catalog.usage, Settings()))
        families = list(metrics.registry.collect())
    endings = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"], "info": ["_info"]}
    names = {f"{each.name}{end}" for each in families for end in endings.get(each.type, [""])}
    return names | {"voxlake_worker_up"}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_asks_for_what_is_there(expression: str, known: set[str]) -> None:
    named = metrics_of(expression)
    assert named
    assert {name for name in named if not name.startswith(OF_OTHERS)} <= known


def test_prometheus_understands_every_expression(tmp_path: Path) -> None:
    rules = [
        {"record": f"n{number}", "expr": expression}
        for number, expression in enumerate(EXPRESSIONS)
    ]
    file = tmp_path / "rules.yml"
    file.write_text(json.dumps({"groups": [{"name": "all", "rules": rules}]}))
    promtool("check", "rules", file)


def test_prometheus_takes_its_files() -> None:
    promtool("check", "config", MONITORING / "prometheus.yml")


def test_every_rule_is_fired_and_none_by_what_is_well(tmp_path: Path) -> None:
    cases = Path(__file__).with_name("cases.yml")
    shutil.copy(MONITORING / "alerts.yml", tmp_path)
    shutil.copy(cases, tmp_path)
    promtool("test", "rules", tmp_path / "cases.yml")
    well, *ill = yaml.safe_load(cases.read_text())["tests"]
    names = {rule["alert"] for rule in RULES}
    assert {case["alertname"] for case in well["alert_rule_test"]} == names
    assert {case["alertname"] for each in ill for case in each["alert_rule_test"]} == names


def test_a_page_says_what_to_do_about_every_alert() -> None:
    page = (ROOT / "docs" / "how-to" / "answer-an-alert.md").read_text()
    assert re.findall(r"^## (\w+)$", page, re.MULTILINE) == [rule["alert"] for rule in RULES]
    for rule in RULES:
        assert rule["annotations"]["todo"]
        place = f"/how-to/answer-an-alert.md#{rule['alert'].lower()}"
        assert rule["annotations"]["runbook_url"] == "{{ $externalLabels.docs }}" + place


ALONG = (("x", "w"), ("y", "h"))


def _before(one: dict[str, int], other: dict[str, int], start: str, size: str) -> bool:
    return one[start] + one[size] <= other[start]


def promtool(*words: str | Path) -> None:
    """Run the program that checks what Prometheus reads."""
    ran = subprocess.run(["promtool", *words], capture_output=True, check=False, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda path: path.stem)
def test_panels_have_places_of_their_own(dashboard: Path) -> None:
    taken = [panel["gridPos"] for panel in panels(dashboard)]
    assert len({panel["id"] for panel in panels(dashboard)}) == len(taken)
    for one, other in itertools.combinations(taken, 2):
        apart = [
            one[a] + one[b] <= other[a] or other[a] + other[b] <= one[a] for a, b in ("xw", "yh")
        ]
        assert any(apart), (one, other)
    assert all(each["x"] + each["w"] <= 24 for each in taken)


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda path: path.stem)
def test_panels_ask_the_source_that_grafana_is_given(dashboard: Path) -> None:
    given = yaml.safe_load((MONITORING / "grafana" / "datasource.yml").read_text())
    [source] = given["datasources"]
    for panel in panels(dashboard):
        assert panel["datasource"] == {"type": source["type"], "uid": source["uid"]}
