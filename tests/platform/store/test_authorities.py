"""A store behind a certificate of one's own authority: by one setting, for every client."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.servers.certificates import Authority, make_certificate
from tests.servers.s3 import ROLE
from tests.servers.tls import tls_before

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.servers.s3 import S3Server

    from voxlake.platform.store import StoreURL

ALL = """
import os, sys
import httpx2, numpy as np, s3fs, zarr
from voxlake.platform import store
from voxlake.platform.settings import Settings
from voxlake.platform.store.selftest import check_store, require_multi_writer
from voxlake.platform.store.s3.temporary import Reach, temporary_keys

url = store.StoreURL.parse(sys.argv[1])
report = check_store(url)  # obstore, TensorStore, botocore
require_multi_writer(report)
assert {one.name for one in report.capabilities if one.ok} >= {"ranges", "etag-write", "parts"}
array = zarr.create_array(store.as_zarr(url / "a", read_only=False), shape=(4,), dtype="u1")
array[:] = [1, 2, 3, 4]
given = Settings(sts_role_arn=os.environ["ROLE"])
keys = temporary_keys(url, Reach(("a/",)), given, name="ada", seconds=900)  # STS
fs = s3fs.S3FileSystem(
    key=keys.access_key_id,
    secret=keys.secret_access_key,
    token=keys.session_token,
    endpoint_url=url.endpoint,
)
stored = zarr.storage.FsspecStore(fs, path=f"{url.root}/{url.key}/a", read_only=True)
assert zarr.open_array(stored, mode="r")[:].tolist() == [1, 2, 3, 4]
assert httpx2.get(f"{url.endpoint}/healthz").status_code == 200  # what asks an issuer
print("all")
"""

EACH = """
import itertools, sys
import tensorstore as ts
from voxlake.platform import store
from voxlake.platform.errors import StoreError
from voxlake.platform.store.s3.multipart import abandoned_uploads
from voxlake.platform.store.selftest import _open, _wait

asks = (
    lambda url: store.write(url / "x", b"x"),
    lambda url: _wait(url, _open(url).read("x")),
    abandoned_uploads,
)
for url, ask in itertools.product(map(store.StoreURL.parse, sys.argv[1:]), asks):
    try:
        ask(url)
        print("believed")
    except StoreError as error:
        print(str(error).partition(": ")[2])
"""


def said(program: str, urls: list[StoreURL], ca_file: Path) -> list[str]:
    """Run a program at stores, and return the lines that it prints."""
    more = {"VOXLAKE_CA_FILE": str(ca_file), "ROLE": ROLE, "VOXLAKE_STORE_RETRIES": "0"}
    ran = subprocess.run(
        [sys.executable, "-c", program, *map(str, urls)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=os.environ | more,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


def behind(url: StoreURL, endpoint: str) -> StoreURL:
    """Return the same place of a store at another endpoint."""
    return type(url)(url.scheme, url.root, url.key, endpoint, url.region)


def test_one_setting_is_heeded_by_every_client(
    s3_server: S3Server, s3_store: StoreURL, tmp_path: Path
) -> None:
    authority = Authority()
    ca_file = authority.write(tmp_path / "ca.pem")
    with tls_before(s3_server.endpoint, authority.sign(tmp_path / "server.pem")) as endpoint:
        assert said(ALL, [behind(s3_store, endpoint)], ca_file) == ["all"]


REASONS = {
    "of another authority": "no authority that is trusted here",
    "ended": "its certificate is not good",
    "signed by itself": "no authority that is trusted here|its certificate is one of an authority",
}


def test_a_certificate_that_is_not_believed_is_told_by_every_client(
    s3_server: S3Server, s3_store: StoreURL, tmp_path: Path
) -> None:
    authority, file = Authority(), tmp_path / "server.pem"
    ca_file = authority.write(tmp_path / "ca.pem")
    make: dict[str, Callable[[], Path]] = {
        "of another authority": lambda: Authority("another").sign(file),
        "ended": lambda: authority.sign(file, timedelta(minutes=-1)),
        "signed by itself": lambda: make_certificate(file),
    }
    with ExitStack() as stack:
        servers = [
            stack.enter_context(tls_before(s3_server.endpoint, make[each]())) for each in REASONS
        ]
        told = said(EACH, [behind(s3_store, each) for each in servers], ca_file)
    wanted = [reason for reason in REASONS.values() for _ in range(3)]
    assert len(told) == len(wanted)
    assert [line for line, each in zip(told, wanted, strict=True) if not re.match(each, line)] == []


def test_a_file_that_holds_no_certificate_is_said(
    s3_server: S3Server, s3_store: StoreURL, tmp_path: Path
) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    with tls_before(s3_server.endpoint, Authority().sign(tmp_path / "server.pem")) as endpoint:
        told = said(EACH, [behind(s3_store, endpoint)], tmp_path / "ca.pem")
    assert "believed" not in told
    assert any("VOXLAKE_CA_FILE" in line for line in told), told
