"""What a running gateway is made of. Routes never see it: they get an `Access`."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.types import Scope

from voxlake.api.data.mappings import Mappings
from voxlake.api.http.budget import Budget
from voxlake.api.http.expiring import Expiring
from voxlake.api.identity.local import LocalIdentity
from voxlake.ngff.dataset import Dataset
from voxlake.ngff.volume import Volume
from voxlake.platform.catalog import Catalog, DatasetRecord
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

RECORD_SECONDS = 1.0
"""How long a change in the catalog may go unseen."""
OPENED_SECONDS = 30.0
"""How long a dataset stays open: its metadata do not change while its record is the same."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """One lake, its catalog, who is who, and what is open."""

    settings: Settings
    lake: StoreURL
    catalog: Catalog
    identity: LocalIdentity
    cutouts: Budget
    """Bytes of cutouts that may be in memory at once."""
    records: Expiring[DatasetName, DatasetRecord | None]
    datasets: Expiring[DatasetRecord, Dataset]
    volumes: Expiring[tuple[DatasetRecord, int], Volume]
    readiness: Expiring[str, str | None]
    mappings: Mappings


def gateway_of(scope: Scope) -> Gateway:
    """Return the gateway that serves a request."""
    gateway = scope["app"].state.gateway
    assert isinstance(gateway, Gateway)
    return gateway
