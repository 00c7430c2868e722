"""A gateway whose people sign in at a real issuer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.api.identity.gateways import Issued, run_gateway

from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.nanoidp import NanoIdp


@pytest.fixture(scope="session")
def issued(tmp_path_factory: pytest.TempPathFactory, nanoidp: NanoIdp) -> Iterator[Issued]:
    """The gateway."""
    lake = StoreURL.parse(str(tmp_path_factory.mktemp("issued") / "lake"))
    with run_gateway(lake, nanoidp.issuer, oidc_administrators="lake-admin") as gateway:
        yield gateway
