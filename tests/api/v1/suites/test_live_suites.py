"""intern's own suites for a live bossDB, against the gateway: all of them, by the client itself.

They are run as a user who may manage users and resources, and who is no administrator.
"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import pytest
from tests.api.conftest import run_app
from tests.api.v1.suites.hosts import TOKENS, Hosts
from tests.api.v1.suites.mending import SUITES, names_in_wheel, write_suite
from tests.servers.issuer import run_issuer
from tests.servers.processes import free_ports

from voxlake.api.app import create_app
from voxlake.platform.access import LakeRole
from voxlake.platform.catalog import open_catalog
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator

type Verdicts = dict[str, str]

RUN = Path(__file__).with_name("run_suite.py")
EXPECTED_TO_FAIL = {
    "permission": {
        "test_list_permissions": "asked for all sets, bossDB tells of a channel the permissions of "
        "its collection, and the test demands that: it has three more, those about voxels"
    }
}
"""Why, by suite and test. They must fail."""


@pytest.fixture(scope="module")
def configured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Configuration of intern for a gateway that runs, as a text."""
    lake = StoreURL.parse(str(tmp_path_factory.mktemp("suites") / "lake"))
    [port] = free_ports(1)
    host = f"api.localhost:{port}"
    with run_issuer() as issuer:
        settings = Settings(
            public_url=f"http://{host}",
            oidc_issuer=issuer.url,
            oidc_client_id="endpoint",
            oidc_audience="lake",
        )
        with open_catalog(lake, settings) as catalog:
            catalog.people.add_user("grace")
            for role in LakeRole:
                catalog.lake_roles.set("grace", role, held=True)
            _, token = catalog.tokens.make("grace", "suites")
            app = create_app(settings, lake, catalog, None)
            with run_app(Hosts(app, issuer), port):
                yield f"[Default]\nprotocol = http\nhost = {host}\ntoken = {token}\n"


@pytest.fixture(scope="module")
def verdicts(configured: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Verdicts]:
    """What became of each test of each suite; the suites run side by side."""
    with ExitStack() as stack:
        running = {}
        for name in SUITES:
            folder = tmp_path_factory.mktemp(name)
            (folder / "test.cfg").write_text(configured)
            command = [sys.executable, str(RUN), write_suite(name, folder)]
            running[name] = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
            stack.enter_context(running[name])
            stack.callback(running[name].kill)  # if another one hangs
        return {name: _verdicts(process) for name, process in running.items()}


def _verdicts(process: subprocess.Popen[str]) -> Verdicts:
    said, _ = process.communicate(timeout=120)
    verdicts: Verdicts = json.loads(said)
    return verdicts


@pytest.mark.timeout(180)
@pytest.mark.parametrize("suite", SUITES)
def test_suite(verdicts: dict[str, Verdicts], suite: str) -> None:
    failed = {test: why for test, why in verdicts[suite].items() if why}
    assert failed.keys() == EXPECTED_TO_FAIL.get(suite, {}).keys(), "\n".join(failed.values())
    assert len(verdicts[suite]) == SUITES[suite]


def test_who_was_given_a_token_for_a_password_is_signed_in(configured: str) -> None:
    """The suite of groups does so, and does not look at what it is answered."""
    config = dict(line.split(" = ") for line in configured.splitlines()[1:])
    server = f"http://127.0.0.1:{config['host'].rpartition(':')[2]}"
    form = {"grant_type": "password", "username": "linus", "password": "any"}
    auth = {"Host": config["host"].replace("api", "auth", 1)}
    granted = httpx2.post(server + TOKENS, data=form, headers=auth).json()
    asked = {"Host": config["host"], "Authorization": f"Bearer {granted['access_token']}"}
    assert httpx2.get(f"{server}/v1/collection/", headers=asked).status_code == 200
    wrong = asked | {"Authorization": f"Bearer {granted['access_token'][:-9]}"}
    assert httpx2.get(f"{server}/v1/collection/", headers=wrong).status_code == 401


def test_all_suites_are_run() -> None:
    assert set(names_in_wheel()) == SUITES.keys()
    assert sum(SUITES.values()) - sum(map(len, EXPECTED_TO_FAIL.values())) == 104
