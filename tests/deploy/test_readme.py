"""Whoever follows deploy/README.md line by line has an installation that works, and keeps it."""

from __future__ import annotations

import io
import json
import shutil
import socket
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx2
import numpy as np
import pytest
import tifffile
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text
from tests.deploy.installation import Installation, installed, lines_of
from tests.deploy.monitoring.test_rules import EXPRESSIONS, OF_OTHERS, RULES, metrics_of

from voxlake.platform.catalog.migrate import REVISIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

EDGE = 64
DATASET = "/v2/datasets/lab/brain/em"
VOXELS: NDArray[np.uint8] = np.random.default_rng(7).integers(0, 256, (EDGE,) * 3).astype(np.uint8)
USER = """
INSERT INTO users (name, full_name, email, is_administrator, created_at)
VALUES ('ada', 'Ada', 'ada@example.org', false, now())
"""
pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(scope="module")
def laboratory() -> Iterator[Installation]:
    """An installation in which people and a dataset are."""
    with installed() as installation:
        folder = installation.folder / "sources" / "em"
        folder.mkdir()
        for z, plane in enumerate(VOXELS):
            tifffile.imwrite(folder / f"{z:03}.tif", plane)
        for heading in ("Start", "People", "Data"):
            installation.follow(heading)
        _wait_for_jobs(installation)
        yield installation


def _wait_for_jobs(installation: Installation) -> None:
    deadline = time.monotonic() + 60
    while True:
        states = {job["state"] for job in installation.voxlake("jobs")["jobs"]}
        if states == {"done"}:
            return
        assert states <= {"queued", "running", "done"}
        assert time.monotonic() < deadline, states


def _cutout(installation: Installation, account: str) -> NDArray[np.uint8]:
    with installation.browser(account) as browser:
        query = {"format": "npy", **dict.fromkeys("zyx", f"0:{EDGE}")}
        answer = browser.get(f"{installation.url}{DATASET}/cutout", params=query)
        assert answer.status_code == 200, answer.text
        cutout: NDArray[np.uint8] = np.load(io.BytesIO(answer.content))
        return cutout


def test_who_may_reads_what_the_cluster_ingested(laboratory: Installation) -> None:
    assert (_cutout(laboratory, "mappers") == VOXELS).all()


def test_others_do_not_see_it(laboratory: Installation) -> None:
    with laboratory.browser() as nobody, laboratory.browser("lab") as other:
        assert nobody.get(f"{laboratory.url}{DATASET}").status_code == 401
        assert other.get(f"{laboratory.url}{DATASET}").status_code == 404


def test_it_is_seen_in_neuroglancer(laboratory: Installation) -> None:
    with laboratory.browser("mappers") as mapper:
        assert mapper.get(f"{laboratory.url}/view/lab/brain/em").status_code == 200
        state = mapper.get(f"{laboratory.url}{DATASET}/neuroglancer").json()["state"]
        source = f"{laboratory.url}/zarr/lab/brain/em"
        assert f"{source}/|zarr3:" in json.dumps(state)
        assert mapper.get(f"{source}/0/c/0/0/0").status_code == 200


def test_what_is_inside_stays_inside(laboratory: Installation) -> None:
    with laboratory.browser("lake-admins") as administrator:
        assert administrator.get(f"{laboratory.url}/metrics").status_code == 404
        claimed = {"X-Forwarded-For": "198.51.100.7", "X-Forwarded-Prefix": "/elsewhere"}
        assert "/elsewhere" not in administrator.get(laboratory.url, headers=claimed).text


def test_prometheus_reads_what_dashboards_and_rules_ask_for(laboratory: Installation) -> None:
    prometheus = f"http://{laboratory.address('prometheus')}:9090/api/v1"
    targets = httpx2.get(f"{prometheus}/targets").json()["data"]["activeTargets"]
    assert {target["labels"]["job"]: target["health"] for target in targets} == {
        "voxlake": "up",
        "dask": "up",
        "store": "up",
    }
    told = httpx2.get(f"{prometheus}/alertmanagers").json()["data"]["activeAlertmanagers"]
    [alertmanager] = [urlsplit(each["url"]).hostname for each in told]
    assert httpx2.get(f"http://{alertmanager}:9093/-/ready").status_code == 200
    names = set(httpx2.get(f"{prometheus}/label/__name__/values").json()["data"])
    asked = set().union(*map(metrics_of, EXPRESSIONS))
    assert {name for name in asked if name.startswith(OF_OTHERS)} <= names
    groups = httpx2.get(f"{prometheus}/rules").json()["data"]["groups"]
    loaded = [rule for group in groups for rule in group["rules"]]
    assert {rule["name"] for rule in loaded} == {rule["alert"] for rule in RULES}
    assert [rule["name"] for rule in loaded if rule["state"] == "firing"] == []


def test_who_is_slow_with_a_head_is_cut_off(laboratory: Installation) -> None:
    lake = urlsplit(laboratory.url)
    with (
        socket.create_connection((str(lake.hostname), lake.port or 443), timeout=60) as plain,
        laboratory.tls().wrap_socket(plain, server_hostname=lake.hostname) as slow,
    ):
        begun = time.monotonic()
        slow.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        # Caddy says what is wrong, or nothing, and hangs up.
        while slow.recv(1000):
            pass
        assert time.monotonic() - begun < 30


def test_it_is_restored_from_a_backup(laboratory: Installation) -> None:
    # The last line starts all again, as that of the next section does.
    for line in lines_of("Back up")[:-1]:
        laboratory.do(line)
    laboratory.do("docker compose down")
    for service in laboratory.stored.iterdir():
        # The file `network` keeps its addresses, as names stay what they are: that of the store is
        # what the catalog knows its lake by.
        if service.is_dir():
            shutil.rmtree(service)
    laboratory.follow("Restore")
    assert (_cutout(laboratory, "mappers") == VOXELS).all()


def test_it_is_upgraded_and_rolled_back(laboratory: Installation) -> None:
    laboratory.do("docker compose stop gateway worker measure")
    _make_as_before(laboratory)
    laboratory.follow("Upgrade")
    assert _revision(laboratory) == REVISIONS[-1]
    assert _users(laboratory) == ["ada"]
    laboratory.follow("Roll back")
    assert _revision(laboratory) == REVISIONS[-2]
    assert _users(laboratory) == ["ada"]


def _make_as_before(installation: Installation) -> None:
    """Put a catalog in the place of ours that the version before this one could have made."""
    for program in ("dropdb --force", "createdb"):
        installation.do(f"docker compose exec -T database {program} --username voxlake voxlake")
    engine = create_engine(installation.database_url.replace("postgresql", "postgresql+psycopg"))
    config = Config()
    config.set_main_option("script_location", "voxlake.platform.catalog:migrations")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, REVISIONS[-2])
        connection.execute(text(USER))
    engine.dispose()


def _users(installation: Installation) -> list[str]:
    with installation.database() as connection:
        return [name for (name,) in connection.execute("SELECT name FROM users").fetchall()]


def _revision(installation: Installation) -> str:
    with installation.database() as connection:
        [(revision,)] = connection.execute("SELECT version_num FROM alembic_version").fetchall()
        return str(revision)
