"""`connect`: one way to a lake, whichever address it has, and as whom it is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.api.conftest import TOKEN

from voxlake.client import Gateway, connect
from voxlake.client.http.credentials import TOKEN_FILE, Credentials, keep
from voxlake.platform.errors import InvalidInputError, NotFoundError, UnsupportedError

if TYPE_CHECKING:
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
