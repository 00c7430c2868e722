"""Alertmanager takes the files that Compose gives it, and tells people of a gateway."""

from __future__ import annotations

import subprocess
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
import yaml
from tests.api.conftest import TOKEN, run_app
from tests.deploy.monitoring.receivers import receiving
from tests.deploy.monitoring.watching import (
    DOCS,
    LAKE,
    alertmanager,
    config_files,
    prometheus,
    until,
)
from tests.servers.folders import small_folder

from voxlake.api.app import create_app
from voxlake.api.identity.local import LocalIdentity
from voxlake.platform.catalog import open_catalog
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from pathlib import Path


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


def test_an_alert_reaches_a_webhook_and_a_mailbox(tmp_path: Path) -> None:
    """All of them do by `make alerts`."""
    with ExitStack() as stack:
        disk = stack.enter_context(small_folder(tmp_path / "disk", 16 << 20))
        lake, settings = StoreURL.parse(str(disk)), Settings(metrics_public=True)
        catalog = stack.enter_context(open_catalog(lake, settings))
        app = create_app(settings, lake, catalog, LocalIdentity(TOKEN, "voxlake-session-test"))
        target = stack.enter_context(run_app(app)).removeprefix("http://")
        receivers = stack.enter_context(receiving())
        manager = stack.enter_context(alertmanager(tmp_path, receivers))
        scraped = {"job_name": "voxlake", "static_configs": [{"targets": [target]}]}
        watch = stack.enter_context(prometheus(tmp_path, manager, [scraped]))
        until(
            lambda: not receivers.unheard({"DiskIsFull"}),
            lambda: f"{watch.firing()} fire; {watch.faults()}",
        )
    alert, [mail, *_] = receivers.alerts("firing")["DiskIsFull"], receivers.mailed
    summary, page = (alert["annotations"][name] for name in ("summary", "runbook_url"))
    assert summary.endswith(f"MiB are free on the disk of the lake of {target}.")
    assert page == f"{DOCS}/how-to/answer-an-alert.md#diskisfull"
    assert mail["Subject"] == f"[FIRING 1] DiskIsFull at {LAKE}"
    assert mail["To"] == "lake-admins@example.org"
    text = receivers.texts()[0]
    assert text.startswith(f"DiskIsFull: {summary}\nTo do: Free some space")
    assert f"More: {page}\nSince " in text
    assert f", now.\n\nThe lake: {LAKE}\n" in text
