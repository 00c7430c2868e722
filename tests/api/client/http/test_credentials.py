"""Tokens that are kept: for their gateway alone, and for their user alone."""

from __future__ import annotations

import stat
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest
from obstore.exceptions import GenericError

from voxlake.client import Gateway, open_xarray
from voxlake.client.arrays.gateway_store import open_http
from voxlake.client.http.credentials import (
    Credentials,
    address_of,
    check_private,
    find,
    forget,
    keep,
)
from voxlake.platform.errors import (
    CorruptDataError,
    InvalidInputError,
    StoreError,
    UnauthenticatedError,
    VoxlakeError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LAKE = "https://lake.example.org"
KEPT = Credentials(gateway=LAKE, secret="vxl_hidden", token=7)


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config" / "voxlake" / "gateways"


def test_a_token_is_kept_for_its_user_alone(config: Path) -> None:
    assert find(LAKE) is None
    keep(KEPT)
    assert find(LAKE) == KEPT
    [file] = config.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(config.stat().st_mode) == 0o700
    assert "hidden" not in repr(KEPT)
    keep(KEPT.model_copy(update={"token": 8}))
    assert [each.name for each in config.iterdir()] == [file.name]
    assert find(LAKE) == KEPT.model_copy(update={"token": 8})
    forget(LAKE)
    forget(LAKE)
    assert (find(LAKE), list(config.iterdir())) == (None, [])


@pytest.mark.parametrize(
    "other",
    [
        "http://lake.example.org",
        "https://lake.example.org:8443",
        "https://lake.example.org/other",
        "https://lake.example.org.evil.org",
        "https://evil.lake.example.org",
        "https://lake.example.orgg",
    ],
)
def test_a_token_is_for_its_gateway_alone(other: str) -> None:
    keep(KEPT)
    assert find(other) is None
    assert Gateway(other).token is None


@pytest.mark.parametrize("same", [f"{LAKE}/", f"{LAKE}:443", "HTTPS://LAKE.example.org", LAKE])
def test_an_address_is_written_in_one_way(same: str) -> None:
    keep(KEPT)
    assert address_of(same) == LAKE
    assert Gateway(same).token == "vxl_hidden"
    assert Gateway(same, "other").token == "other"
    assert Gateway(same, "").token is None


@pytest.mark.parametrize("wrong", ["lake", "ftp://lake", "https://", "https://x/?a=b", ""])
def test_what_is_no_gateway_has_none(wrong: str) -> None:
    with pytest.raises(InvalidInputError, match="no address of a gateway"):
        address_of(wrong)


def test_a_file_that_others_can_read_is_not_used(config: Path) -> None:
    keep(KEPT)
    [file] = config.iterdir()
    file.chmod(0o640)
    with pytest.raises(UnauthenticatedError, match="others can read"):
        Gateway(LAKE)


@pytest.mark.parametrize("text", ["", "{}", '{"gateway": 1}', "\0"])
def test_a_damaged_file_is_named(config: Path, text: str) -> None:
    keep(KEPT)
    [file] = config.iterdir()
    file.write_text(text)
    with pytest.raises(CorruptDataError, match="delete it"):
        find(LAKE)


def test_a_file_of_another_gateway_is_not_used(config: Path) -> None:
    keep(KEPT)
    [file] = config.iterdir()
    file.rename(file.with_name("https%3A%2F%2Fevil.example.org"))
    assert find("https://evil.example.org") is None


@pytest.mark.parametrize("address", ["http://lake.example.org", "http://192.168.0.1", "ftp://x"])
def test_a_token_goes_nowhere_in_the_open(address: str) -> None:
    with pytest.raises(InvalidInputError, match="not encrypted"):
        check_private(address)


class _Told:
    """Two servers, of which the first leads to the second, and what both were told."""

    def __init__(self) -> None:
        self.first: list[str | None] = []
        self.second: list[str | None] = []


@pytest.fixture
def leading() -> Iterator[tuple[str, _Told]]:
    """A server that leads elsewhere, whatever it is asked."""
    told = _Told()

    class Elsewhere(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told.second.append(self.headers.get("Authorization"))
            self.send_error(404)

        do_HEAD = do_GET  # noqa: N815  (its name)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    elsewhere = HTTPServer(("127.0.0.2", 0), Elsewhere)

    class Leading(Elsewhere):
        def do_GET(self) -> None:
            # Others may look for a server of theirs at this port.
            if self.path.startswith(("/v2", "/zarr")):
                told.first.append(self.headers.get("Authorization"))
            self.send_response(307)
            self.send_header("Location", f"http://127.0.0.2:{elsewhere.server_port}{self.path}")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_HEAD = do_GET  # noqa: N815  (its name)

    leading = HTTPServer(("127.0.0.1", 0), Leading)
    threads = [threading.Thread(target=each.serve_forever) for each in (leading, elsewhere)]
    for thread in threads:
        thread.start()
    try:
        yield f"http://127.0.0.1:{leading.server_port}", told
    finally:
        for server in (leading, elsewhere):
            server.shutdown()
            server.server_close()
        for thread in threads:
            thread.join()


def test_a_redirect_takes_no_token_along(leading: tuple[str, _Told]) -> None:
    address, told = leading
    keep(Credentials(gateway=address, secret="vxl_hidden"))
    with Gateway(address) as gateway, pytest.raises(StoreError):
        gateway.datasets()
    with pytest.raises(VoxlakeError):
        open_xarray(f"{address}/zarr/lab/brain/em")
    # Stored bytes are read by another library.
    with pytest.raises(GenericError, match="307"):
        open_http(f"{address}/zarr/lab/brain/em", "vxl_hidden").get("zarr.json")
    assert (told.first, told.second) == (["Bearer vxl_hidden"] * 3, [])


def test_the_token_of_the_environment_is_for_its_gateway_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keep(KEPT)
    monkeypatch.setenv("VOXLAKE_TOKEN", "vxl_of_a_program")
    with pytest.raises(InvalidInputError, match="VOXLAKE_GATEWAY"):
        find(LAKE)
    monkeypatch.setenv("VOXLAKE_GATEWAY", f"{LAKE.upper()}/")
    found = find(LAKE)
    assert found is not None
    assert found.secret == "vxl_of_a_program"
    assert find("https://evil.example.org") is None
    monkeypatch.setenv("VOXLAKE_GATEWAY", "https://other.example.org")
    assert find(LAKE) == KEPT
