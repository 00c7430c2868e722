"""Prometheus and Alertmanager with the files of deploy/, in which time is made to pass quickly."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import yaml
from tests.docs.pages import ROOT
from tests.servers.processes import free_ports, start, stop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.deploy.monitoring.receivers import Receivers

COMPOSE = ROOT / "deploy" / "compose"
MONITORING = ROOT / "deploy" / "monitoring"
SETTINGS = (COMPOSE / "settings.env").read_text()
LAKE = "https://lake.lab.example.org"
MOST_S = 120
DOCS = "https://docs.lab.example.org"


def config_files(folder: Path, **settings: object) -> Path:
    """Write what Compose gives Alertmanager with settings of `.env`, and return its own file."""
    lines = [f"{name}={value}" for name, value in settings.items()]
    needed = [f"{line}x" for line in SETTINGS.splitlines() if line.endswith("=")]
    (folder / "all.env").write_text("\n".join([SETTINGS, *needed, *lines]))
    command = (Path(sys.executable).parent / "docker-compose", "--env-file", folder / "all.env")
    ran = subprocess.run(
        [*command, "config", "--format", "json"], cwd=COMPOSE, capture_output=True, check=True
    )
    told = json.loads(ran.stdout)["services"]["alertmanager"]["environment"]
    inside, template = "/etc/alertmanager/alerts.tmpl", str(MONITORING / "alerts.tmpl")
    (folder / "lake.tmpl").write_text(told["LAKE"])
    (folder / "config.yml").write_text(told["CONFIG"].replace(inside, template))
    return folder / "config.yml"


def quick(text: str) -> str:
    """Return rules, or a configuration, in which seconds stand in the place of minutes.

    >>> quick("expr: rate(a[5m]) > 3600, for: 10m, group_wait: 30s, repeat_interval: 1d")
    'expr: rate(a[5s]) > 3600, for: 10s, group_wait: 1s, repeat_interval: 1d'
    """
    return re.sub(r"\b(\d+)m\b", r"\1s", re.sub(r"\b30s\b", "1m", text))


@dataclass(frozen=True, slots=True)
class Alertmanager:
    """A running one."""

    port: int

    def post(self, alerts: list[dict[str, Any]]) -> None:
        """Tell it of alerts, as Prometheus does."""
        answer = httpx2.post(f"http://127.0.0.1:{self.port}/api/v2/alerts", json=alerts)
        assert answer.status_code == 200, answer.text


@contextmanager
def alertmanager(folder: Path, receivers: Receivers) -> Iterator[Alertmanager]:
    """Run one that tells both receivers."""
    file = config_files(
        folder,
        ALERT_BY="webhook-and-mail",
        ALERT_WEBHOOK=f"http://127.0.0.1:{receivers.web_port}/",
        ALERT_SMARTHOST=f"127.0.0.1:{receivers.mail_port}",
        ALERT_SMTP_TLS="false",
        LAKE_URL=LAKE,
    )
    file.write_text(quick(file.read_text()))
    [port] = free_ports(1)
    command = ["prometheus-alertmanager", f"--config.file={file}"]
    command += [f"--storage.path={folder / 'alerts'}", "--cluster.listen-address="]
    command += [f"--web.listen-address=127.0.0.1:{port}"]
    with _running(folder, port, command):
        yield Alertmanager(port)


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A running one."""

    port: int

    def firing(self) -> set[str]:
        """Return the names of alerts that fire."""
        alerts = self._ask("alerts")["alerts"]
        return {each["labels"]["alertname"] for each in alerts if each["state"] == "firing"}

    def query(self, expression: str) -> list[float]:
        """Return the values that an expression has by now."""
        found = self._ask("query", query=expression)["result"]
        return [float(each["value"][1]) for each in found]

    def faults(self) -> list[str]:
        """Return what is wrong with rules that cannot be evaluated."""
        rules = [rule for group in self._ask("rules")["groups"] for rule in group["rules"]]
        return [f"{rule['name']}: {rule['lastError']}" for rule in rules if rule.get("lastError")]

    def _ask(self, what: str, **query: str) -> Any:
        answer = httpx2.get(f"http://127.0.0.1:{self.port}/api/v1/{what}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]


@contextmanager
def prometheus(
    folder: Path, told: Alertmanager, scraped: list[dict[str, Any]]
) -> Iterator[Prometheus]:
    """Run one that asks servers of here each second, and tells an Alertmanager.

    Parameters
    ----------
    scraped
        What stands under `scrape_configs`.
    """
    config: dict[str, Any] = yaml.safe_load((MONITORING / "prometheus.yml").read_text())
    config["global"] |= dict.fromkeys(("scrape_interval", "evaluation_interval"), "1s")
    config["alerting"]["alertmanagers"][0]["static_configs"] = [
        {"targets": [f"127.0.0.1:{told.port}"]}
    ]
    config["scrape_configs"] = scraped
    (folder / "alerts.yml").write_text(quick((MONITORING / "alerts.yml").read_text()))
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    [port] = free_ports(1)
    command = ["env", f"DOCS_URL={DOCS}", "prometheus", EXPANDS]
    command += [f"--config.file={folder / 'prometheus.yml'}"]
    command += [f"--storage.tsdb.path={folder / 'series'}"]
    command += [f"--web.listen-address=127.0.0.1:{port}"]
    with _running(folder, port, command):
        yield Prometheus(port)


EXPANDS = "--enable-feature=expand-external-labels"
"""As in the composition: so the address of the documentation is in each alert."""


@contextmanager
def _running(folder: Path, port: int, command: list[str]) -> Iterator[None]:
    process = start(command, folder / f"on-{port}.log", lambda: is_ready(port))
    try:
        yield
    finally:
        stop(process)


def until(happened: Callable[[], bool], why: Callable[[], str]) -> None:
    """Wait until something has happened; fail with what is said of it when it takes too long."""
    deadline = time.monotonic() + MOST_S
    while not happened():
        assert time.monotonic() < deadline, why()
        time.sleep(0.2)


def is_ready(port: int, path: str = "/-/ready") -> bool:
    """Return whether a server answers with 200."""
    try:
        return httpx2.get(f"http://127.0.0.1:{port}{path}").status_code == 200
    except httpx2.TransportError:
        return False
