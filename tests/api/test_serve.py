"""A gateway run as the command runs it: announced when ready, on this machine alone."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import pytest

from voxlake.api.endpoint import Endpoint, check_address
from voxlake.api.serve import run_gateway
from voxlake.platform.catalog import open_catalog
from voxlake.platform.errors import InvalidInputError
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from voxlake.documents.service.gateway import ServingDocument
    from voxlake.platform.store import StoreURL

PROGRAM = """
import json, sys
from pathlib import Path
from voxlake.api.endpoint import Endpoint
from voxlake.api.serve import run_gateway
from voxlake.platform.catalog import open_catalog
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

def announce(info):
    found = [info.url, info.login_link, info.token_file]
    sys.stdout.write(json.dumps(found) + chr(10))
    sys.stdout.flush()

lake, settings = StoreURL.parse(sys.argv[1]), Settings()
with open_catalog(lake, settings) as catalog:
    run_gateway(settings, lake, catalog, announce, Endpoint(port=0, secrets=Path(sys.argv[2])))
"""


def must_not_be_called(info: ServingDocument) -> None:
    """Fail, as nothing is served."""
    pytest.fail(f"{info.url} was announced")


def test_a_server_announces_itself_serves_and_ends(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    lake.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(lake), str(tmp_path / "state")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        url, link, token_file = json.loads(process.stdout.readline())
        with httpx2.Client(follow_redirects=True) as browser:
            assert browser.get(f"{url}/nonsense").status_code == 401
            assert "There are none that you may see" in browser.get(link).text
            assert browser.get(f"{url}/nonsense").status_code == 404
        token = Path(token_file).read_text(encoding="ascii")
        owner = {"Authorization": f"Bearer {token}"}
        assert httpx2.get(f"{url}/nonsense", headers=owner).status_code == 404
    finally:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    # Nothing is printed but by the caller, and no secret is logged.
    assert out == ""
    assert "KeyboardInterrupt" in err or err == ""


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.9.1"])
def test_hosts_of_this_machine_may_be_listened_on(host: str) -> None:
    check_address(host, Settings())


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org", "", "127.0.0.1.x"])
def test_other_hosts_are_refused(host: str, lake: StoreURL, tmp_path: Path) -> None:
    settings = Settings()
    with open_catalog(lake, settings) as catalog:
        endpoint = Endpoint(host=host, secrets=tmp_path)
        with pytest.raises(InvalidInputError, match="others could reach it"):
            run_gateway(settings, lake, catalog, must_not_be_called, endpoint)


LAKE = "https://lake.example.org"


def with_issuer(public_url: str | None) -> Settings:
    return Settings(
        oidc_issuer="https://id.example.org", oidc_client_id="voxlake", public_url=public_url
    )


@pytest.mark.parametrize(
    ("host", "public_url"),
    [
        ("127.0.0.1", None),
        ("localhost", "http://localhost:8080"),
        ("0.0.0.0", LAKE),
        ("192.168.1.5", LAKE),
        ("127.0.0.1", LAKE),
    ],
)
def test_people_sign_in_where_nobody_can_read_what_they_send(
    host: str, public_url: str | None
) -> None:
    check_address(host, with_issuer(public_url))


@pytest.mark.parametrize(
    ("host", "public_url"),
    [
        ("0.0.0.0", None),
        ("192.168.1.5", None),
        ("0.0.0.0", "http://lake.example.org"),
        ("127.0.0.1", "http://lake.example.org"),
        ("0.0.0.0", "http://127.0.0.1:8080"),
    ],
)
def test_nobody_signs_in_where_others_can_read_it(host: str, public_url: str | None) -> None:
    with pytest.raises(InvalidInputError, match="VOXLAKE_PUBLIC_URL"):
        check_address(host, with_issuer(public_url))


def test_a_port_that_is_taken_is_named(lake: StoreURL, tmp_path: Path) -> None:
    settings = Settings()
    with socket.create_server(("127.0.0.1", 0)) as taken, open_catalog(lake, settings) as catalog:
        port = taken.getsockname()[1]
        endpoint = Endpoint(port=port, secrets=tmp_path)
        with pytest.raises(InvalidInputError, match=rf"127\.0\.0\.1:{port}, .*--port 0"):
            run_gateway(settings, lake, catalog, must_not_be_called, endpoint)
