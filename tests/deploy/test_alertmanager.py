"""Who is to hear of an alert does: by a webhook and by mail, with what to do."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from contextlib import contextmanager
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
import yaml
from aiosmtpd.controller import Controller
from tests.docs.pages import ROOT
from tests.servers.processes import free_ports, start, stop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiosmtpd.smtp import SMTP, Envelope, Session

COMPOSE = ROOT / "deploy" / "compose"
MONITORING = ROOT / "deploy" / "monitoring"
SETTINGS = (COMPOSE / "settings.env").read_text()
MOST_S = 60
FAILED = b'# TYPE voxlake_jobs gauge\nvoxlake_jobs{state="failed"} 2\n'


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


@pytest.mark.parametrize("by", ["nobody", "webhook", "mail", "webhook-and-mail"])
def test_alertmanager_takes_its_files(tmp_path: Path, by: str) -> None:
    file = config_files(tmp_path, ALERT_BY=by, ALERT_SMTP_USER="lake", ALERT_SMTP_PASSWORD="a#b: c")
    ran = subprocess.run(["amtool", "check-config", file], capture_output=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    config = yaml.safe_load(file.read_text())
    assert config["global"]["smtp_auth_password"] == "a#b: c"
    assert config["route"]["receiver"] == by


def test_alertmanager_refuses_who_is_nobody(tmp_path: Path) -> None:
    file = config_files(tmp_path, ALERT_BY="pigeon")
    ran = subprocess.run(["amtool", "check-config", file], capture_output=True, check=False)
    assert ran.returncode != 0


class _Mailbox:
    """Takes all mail."""

    def __init__(self, taken: Queue[bytes]) -> None:
        self.taken = taken

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  (its name)
        assert isinstance(envelope.content, bytes)
        self.taken.put(envelope.content)
        return "250 OK"


@contextmanager
def _web(posted: Queue[bytes]) -> Iterator[int]:
    """Answer with metrics, and take what is posted."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(FAILED)

        def do_POST(self) -> None:
            posted.put(self.rfile.read(int(self.headers["Content-Length"])))
            self._answer(b"")

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (as in the base)
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _answers(port: int) -> bool:
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/-/ready").status_code == 200
    except httpx2.TransportError:
        return False


@contextmanager
def _running(folder: Path, port: int, command: list[str]) -> Iterator[None]:
    process = start(command, folder / f"{command[0]}.log", lambda: _answers(port))
    try:
        yield
    finally:
        stop(process)


def _prometheus_files(folder: Path, scraped: int, told: int) -> Path:
    """Write the files of Prometheus for addresses of here, with seconds in the place of minutes."""
    config: dict[str, Any] = yaml.safe_load((MONITORING / "prometheus.yml").read_text())
    config["global"] = dict.fromkeys(config["global"], "1s")
    config["alerting"]["alertmanagers"][0]["static_configs"] = [{"targets": [f"127.0.0.1:{told}"]}]
    [lake] = [each for each in config["scrape_configs"] if each["job_name"] == "voxlake"]
    lake["static_configs"] = [{"targets": [f"127.0.0.1:{scraped}"]}]
    config["scrape_configs"] = [lake]
    (folder / "alerts.yml").write_text((MONITORING / "alerts.yml").read_text())
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    return folder / "prometheus.yml"


def test_an_alert_reaches_a_webhook_and_a_mailbox(tmp_path: Path) -> None:
    posted, mailed = Queue[bytes](), Queue[bytes]()
    mail_port, told, prometheus = free_ports(3)
    mailbox = Controller(_Mailbox(mailed), "127.0.0.1", mail_port)
    mailbox.start()
    try:
        with _web(posted) as web:
            file = config_files(
                tmp_path,
                ALERT_BY="webhook-and-mail",
                ALERT_WEBHOOK=f"http://127.0.0.1:{web}/",
                ALERT_SMARTHOST=f"127.0.0.1:{mail_port}",
                ALERT_SMTP_TLS="false",
                LAKE_URL="https://lake.lab.example.org",
            )
            file.write_text(file.read_text().replace("group_wait: 30s", "group_wait: 0s"))
            manager = ["prometheus-alertmanager", f"--config.file={file}"]
            manager += [f"--storage.path={tmp_path / 'alerts'}", "--cluster.listen-address="]
            manager += [f"--web.listen-address=127.0.0.1:{told}"]
            watch = ["prometheus", f"--config.file={_prometheus_files(tmp_path, web, told)}"]
            watch += [f"--storage.tsdb.path={tmp_path / 'series'}"]
            watch += [f"--web.listen-address=127.0.0.1:{prometheus}"]
            with _running(tmp_path, told, manager), _running(tmp_path, prometheus, watch):
                alert = json.loads(posted.get(timeout=MOST_S))["alerts"][0]
                mail = message_from_bytes(mailed.get(timeout=MOST_S), policy=policy.default)
    finally:
        mailbox.stop()
    assert alert["labels"]["alertname"] == "JobsFailed"
    assert alert["annotations"]["summary"].startswith("2 jobs are failed")
    assert mail["Subject"] == "[FIRING 1] JobsFailed at https://lake.lab.example.org"
    assert mail["To"] == "lake-admins@example.org"
    text = mail.get_content() if not mail.is_multipart() else mail.get_payload(0).get_content()  # type: ignore[union-attr]  # a message, as it has parts
    assert "2 jobs are failed" in text
    assert "To do: See why with `voxlake jobs JOB`; then resume or cancel them." in text
    assert "https://docs.example.org/how-to/answer-an-alert.md#jobsfailed" in text
