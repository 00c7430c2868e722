"""A gateway behind a certificate of one's own authority: by the setting that stores go by."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.api.conftest import TOKEN
from tests.servers.certificates import Authority
from tests.servers.tls import tls_before

from voxlake.client import connect
from voxlake.client.http.device_login import find_device_login
from voxlake.client.http.signing_in import log_in_with, who_am_i
from voxlake.platform.errors import InvalidInputError, StoreError, StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.api.conftest import Served

EM = "lab/brain/em"
BYTES = """
import sys, obstore
from voxlake.client.arrays.gateway_store import open_http
print(obstore.head(open_http(sys.argv[1], ""), "zarr.json")["size"])
"""


@pytest.fixture(autouse=True)
def own_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep tokens of this test alone."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)


@pytest.fixture
def ca_file(tmp_path: Path) -> Path:
    """The file of the authority, which nothing knows yet."""
    return tmp_path / "ca.pem"


@pytest.fixture
def secure(served: Served, tmp_path: Path, ca_file: Path) -> Iterator[str]:
    """The gateway, by TLS."""
    authority = Authority()
    authority.write(ca_file)
    with tls_before(served.url, authority.sign(tmp_path / "server.pem")) as url:
        yield url


def test_arrays_are_read(
    served: Served, secure: str, ca_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect(secure, "") as lake, pytest.raises(StoreUnavailableError, match="certificate"):
        lake.datasets()
    monkeypatch.setenv("VOXLAKE_CA_FILE", str(ca_file))
    with connect(secure, "") as lake:
        np.testing.assert_array_equal(lake[EM][3:9, ::2, 5], served.voxels[EM][3:9, ::2, 5])


def test_people_sign_in(secure: str, ca_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StoreUnavailableError, match="certificate"):
        log_in_with(secure, TOKEN)
    with pytest.raises(StoreUnavailableError, match="certificate"):
        find_device_login(secure, "voxlake")
    monkeypatch.setenv("VOXLAKE_CA_FILE", str(ca_file))
    assert log_in_with(secure, TOKEN) == who_am_i(secure)
    with pytest.raises(StoreError, match="not as issuers do"):  # it was heard, and is none
        find_device_login(secure, "voxlake")


def test_stored_bytes_are_read(served: Served, secure: str, ca_file: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-c", BYTES, f"{secure}/zarr/{EM}"],
        env=os.environ | {"VOXLAKE_CA_FILE": str(ca_file), "VOXLAKE_STORE_RETRIES": "0"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    with served.client() as client:
        size = len(client.get(served.zarr(EM, "zarr.json")).content)
    assert (said.stdout.strip(), said.returncode) == (str(size), 0), said.stderr


def test_a_file_without_certificates_is_named(
    secure: str, ca_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ca_file.write_text("none")
    monkeypatch.setenv("VOXLAKE_CA_FILE", str(ca_file))
    with pytest.raises(InvalidInputError, match=r"VOXLAKE_CA_FILE names .*ca\.pem"):
        connect(secure, "")
