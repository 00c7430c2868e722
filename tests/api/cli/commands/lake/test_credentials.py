"""``voxlake credentials``: keys that read one dataset of a lake on a real store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import obstore
import obstore.store
import pytest
from obstore.exceptions import PermissionDeniedError
from tests.api.cli.conftest import Command, command_on
from tests.servers.s3 import ROLE

if TYPE_CHECKING:
    from pathlib import Path

    from voxlake.platform.store import StoreURL


@pytest.fixture
def on_s3(
    s3_store: StoreURL,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Command:
    """The command on a lake on S3."""
    return command_on(str(s3_store), tmp_path, monkeypatch, capsys)


def test_keys_read_the_dataset_and_no_other(
    on_s3: Command, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_s3("init").ok()
    for name in ("lab/cube/em", "lab/cube/em2"):
        on_s3.ingest(image, name).ok()
    assert on_s3("credentials", "lab/cube/em").kind == "unsupported"
    monkeypatch.setenv("VOXLAKE_STS_ROLE_ARN", ROLE)
    keys = on_s3("credentials", "lab/cube/em").ok()
    bucket = obstore.store.S3Store(
        keys["bucket"],
        endpoint=keys["endpoint"],
        region=keys["region"],
        access_key_id=keys["access_key_id"],
        secret_access_key=keys["secret_access_key"],
        session_token=keys["session_token"],
        client_options={"allow_http": True},
        virtual_hosted_style_request=False,
    )
    assert b"multiscales" in bytes(obstore.get(bucket, f"{keys['prefix']}/zarr.json").bytes())
    with pytest.raises(PermissionDeniedError):
        obstore.get(bucket, f"{keys['prefix'].replace('em.', 'em2.')}/zarr.json")
