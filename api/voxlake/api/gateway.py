"""What a running gateway is made of. Routes never see it: they get an `Access`."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Event

from starlette.types import Scope

from voxlake.api.data.writing.commits import Commits
from voxlake.api.http.expiring import Expiring
from voxlake.api.http.limits.budget import Budget
from voxlake.api.http.limits.questions import Questions
from voxlake.api.identity.identity import Identity
from voxlake.api.monitoring.costs import Costs
from voxlake.api.monitoring.disks import Disks
from voxlake.api.monitoring.jobs import Jobs
from voxlake.api.monitoring.metrics import Metrics
from voxlake.api.monitoring.quotas import Quotas
from voxlake.api.monitoring.resources import Resources
from voxlake.api.monitoring.usage import Usage
from voxlake.documents.places.places import FrameDocument
from voxlake.documents.service.status import StatusDocument
from voxlake.ngff.dataset import Dataset
from voxlake.ngff.volume import Volume
from voxlake.platform.access import Protected
from voxlake.platform.catalog import Catalog, DatasetRecord
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

RECORD_SECONDS = 1.0
"""How long a change in the catalog may go unseen."""
STATUS_SECONDS = 60.0
"""How long an outcome of looking at everything stands: it takes many requests to the store."""
OPENED_SECONDS = 30.0
"""How long a dataset stays open: its metadata do not change while its record is the same."""


def divide_memory(total_bytes: int) -> tuple[int, int, int]:
    """Return the shares of a gateway's memory, in bytes: of answers, chunks and the cache.

    A half is for answers on their way, a quarter for decoded chunks that were read, and a quarter
    for what was read of label indexes, objects and mappings.

    Examples
    --------
    >>> [share >> 20 for share in divide_memory(256 << 20)]
    [128, 64, 64]
    """
    return total_bytes // 2, total_bytes // 4, total_bytes // 4


@dataclass(frozen=True, slots=True)
class Gateway:
    """One lake, its catalog, who is who, and what is open."""

    settings: Settings
    lake: StoreURL
    catalog: Catalog
    identity: Identity
    answers: Budget
    """Bytes of answers that may be on their way at once."""
    questions: Questions
    records: Expiring[DatasetName, Protected | None]
    datasets: Expiring[DatasetRecord, Dataset]
    volumes: Expiring[tuple[DatasetRecord, StoreURL], Volume]
    value_ranges: Expiring[DatasetRecord, tuple[float, float] | None]
    frames: Expiring[DatasetRecord, FrameDocument | None]
    """Of the experiments of datasets."""
    readiness: Expiring[str, str | None]
    chunk_cache_bytes: int
    """Of decoded chunks that volumes keep."""
    stopping: Event = field(default_factory=Event, repr=False)
    """Set once the gateway was told to end."""
    metrics: Metrics = field(default_factory=Metrics, repr=False)
    usage: Usage = field(init=False, repr=False)
    status: Expiring[str, StatusDocument] = field(
        default_factory=lambda: Expiring(STATUS_SECONDS), repr=False
    )
    commits: Commits = field(default_factory=Commits, repr=False)
    """Changes of shards that are being made."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "usage", Usage(self.catalog.usage))
        bearer = self.identity.bearer
        self.metrics.add(Resources(self.answers, None if bearer is None else bearer.issuer))
        self.metrics.add(Disks(self.lake, self.settings))
        self.metrics.add(Jobs(self.catalog.database))
        self.metrics.add(Quotas(self.catalog.usage))
        self.metrics.add(Costs(self.catalog.usage, self.settings))

    @property
    def whole_answer_bytes(self) -> int:
        """Most bytes of an answer that is made whole before it is sent, and is no cutout."""
        return min(self.settings.cutout_limit_bytes, self.answers.limit_bytes // 2)


def gateway_of(scope: Scope) -> Gateway:
    """Return the gateway that serves a request."""
    gateway = scope["app"].state.gateway
    assert isinstance(gateway, Gateway)
    return gateway
