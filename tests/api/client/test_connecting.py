"""`connect`: one way to a lake, whichever address it has, and as whom it is asked."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import httpx2
import numpy as np
import pytest
from tests.api.conftest import TOKEN
from tests.servers.processes import free_ports

from voxlake.client import Gateway, connect
from voxlake.client.http.credentials import Credentials, keep
from voxlake.client.http.owner import TOKEN_FILE
from voxlake.platform.errors import (
    InvalidInputError,
    NotFoundError,
    StoreUnavailableError,
    UnauthenticatedError,
    UnsupportedError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.api.conftest import Served

    from voxlake.platform.store import StoreURL

EM, CELLS = "lab/brain/em", "lab/brain/cells"
ELSEWHERE = "https://lake.example.org"


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the user's own tokens are."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "state" / "voxlake").mkdir(parents=True)
    return tmp_path / "state" / "voxlake"


def _asks_as(address: str, token: str | None = None) -> str | None:
    gateway = connect(address, token)
    assert isinstance(gateway, Gateway)
    with gateway:
        return gateway.token


def test_a_program_goes_on_with_another_address(served: Served) -> None:
    for address in (served.url, f"{served.url}/", str(served.lake)):
        with connect(address) as lake:
            assert EM in {str(each.name) for each in lake.datasets()}
            np.testing.assert_array_equal(lake[EM][3:9, ::2, 5], served.voxels[EM][3:9, ::2, 5])
            inside = np.unique(served.voxels[CELLS][:9, :9, :9])
            found = lake.labels(CELLS, "0:9,0:9,0:9")
            assert found.tolist() == inside[inside != 0].tolist()
            assert lake.label(CELLS, int(found[0])).voxels == np.sum(
                served.voxels[CELLS] == found[0]
            )


def test_an_empty_prefix_of_s3_is_no_lake(s3_store: StoreURL) -> None:
    with pytest.raises(NotFoundError, match="nothing is stored at s3://"):
        connect(str(s3_store))


def test_who_runs_a_gateway_on_this_machine_is_known_to_it(served: Served, state: Path) -> None:
    assert _asks_as(served.url) is None
    (state / TOKEN_FILE).write_text(f"{TOKEN}\n")
    with connect(served.url) as lake:
        assert "lab/brain/secret" in {str(each.name) for each in lake.datasets()}
    assert _asks_as(served.url, "") is None
    keep(Credentials(gateway=served.url, secret="vxl_of_the_login"))
    assert _asks_as(served.url) == "vxl_of_the_login"
    assert _asks_as(served.url, "vxl_given") == "vxl_given"


@contextmanager
def stranger(behind: str | None) -> Iterator[tuple[str, list[str]]]:
    """Run what somebody else listens with on this machine; yield its URL, and all that it hears.

    It passes on what it is asked to a gateway, if it knows one.
    """
    heard: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(f"{self.requestline}\n{self.headers}")
            answer = None if behind is None else httpx2.get(behind + self.path)
            body = b"it works" if answer is None else answer.content
            self.send_response(200 if answer is None else answer.status_code)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815  (named by the server)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", heard
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("passes_on", [False, True])
def test_the_owners_token_is_sent_to_no_stranger(
    served: Served, state: Path, *, passes_on: bool
) -> None:
    (state / TOKEN_FILE).write_text(TOKEN)
    with stranger(served.url if passes_on else None) as (url, heard):
        assert _asks_as(url) is None
        if passes_on:
            with connect(url) as lake:
                names = {str(each.name) for each in lake.datasets()}
            assert EM in names
            assert "lab/brain/secret" not in names
        with pytest.raises(UnauthenticatedError, match="which was not sent there"):
            Gateway.local(url)
    assert heard
    assert not [each for each in heard if TOKEN in each]


def test_who_has_another_token_proves_nothing(served: Served, state: Path) -> None:
    (state / TOKEN_FILE).write_text(f"{TOKEN}-of-another")
    assert _asks_as(served.url) is None


def test_that_nothing_listens_is_said_at_once(state: Path) -> None:
    (state / TOKEN_FILE).write_text(TOKEN)
    with pytest.raises(StoreUnavailableError, match="did not answer"):
        connect(f"http://127.0.0.1:{free_ports(1)[0]}")


def test_a_gateway_elsewhere_is_told_no_token_of_this_machine(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (state / TOKEN_FILE).write_text(TOKEN)
    for address in (ELSEWHERE, "http://127.0.0.1.evil.org", "HTTPS://Lake.Example.org"):
        assert _asks_as(address) is None
    monkeypatch.setenv("VOXLAKE_GATEWAY", ELSEWHERE)
    monkeypatch.setenv("VOXLAKE_TOKEN", "vxl_of_the_environment")
    assert _asks_as(f"{ELSEWHERE}/") == "vxl_of_the_environment"
    assert _asks_as("https://lake.example.com") is None


def test_a_name_without_https_is_no_empty_lake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotFoundError, match=r"lake\.example\.org; .* begins with https://"):
        connect("lake.example.org")
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFoundError, match="voxlake init --lake"):
        connect("empty")


def test_what_is_no_address_is_refused(served: Served) -> None:
    with pytest.raises(UnsupportedError, match="bossdb"):
        connect("bossdb://lab/brain/em")
    with pytest.raises(InvalidInputError, match="empty path"):
        connect("")
    with pytest.raises(InvalidInputError, match="no gateway"):
        connect(str(served.lake), TOKEN)
