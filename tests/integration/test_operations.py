"""What people do takes no more requests to the store than the page of them says."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tests.integration.operations import OPERATIONS, scene
from tests.servers.s3_proxy import s3_proxy

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from tests.servers.s3 import S3Server

    from voxlake.platform.store import StoreURL


def test_each_takes_the_requests_that_are_said(
    s3_server: S3Server, s3_store: StoreURL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    with s3_proxy(s3_server.endpoint) as proxy, scene(s3_store, proxy, tmp_path) as at:
        for operation in OPERATIONS:
            proxy.requests.clear()
            operation.run(at)
            found, said = proxy.found, Counter(operation.takes)
            what = operation.name, [(each.kind, each.target) for each in proxy.requests]
            if operation.is_job:
                assert found.pop("GET") < 1.5 * said.pop("GET"), what
            assert found == said, what
