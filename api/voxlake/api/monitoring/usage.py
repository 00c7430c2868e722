"""What is used of datasets, by whom: counted in memory, and written to the catalog in batches.

What is lost if a process is killed is what was counted in the last seconds.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from functools import partial

from voxlake.api.http.expiring import Expiring
from voxlake.api.http.layers.exchange import Exchange
from voxlake.platform.access import Principal, Way
from voxlake.platform.catalog import DatasetRecord
from voxlake.platform.catalog.stored import StoredSizes
from voxlake.platform.catalog.usage import (
    Counts,
    Limits,
    Metric,
    UsageLedger,
    Used,
    limit_of,
    subject_of,
)
from voxlake.platform.errors import (
    QuotaError,
    StorageQuotaError,
    StoreReadOnlyError,
    VoxlakeError,
)

WRITTEN_SECONDS = 5.0
"""What was counted is written after so long, and what others wrote is seen."""
_log = logging.getLogger(__name__)


class Usage:
    """Counts of one process, and the limits of all. For one event loop."""

    def __init__(self, ledger: UsageLedger) -> None:
        self.ledger = ledger
        self._counts = defaultdict[Used, Counts](Counts)
        self._timer: asyncio.TimerHandle | None = None
        self._is_read_only = False
        self._limits = Expiring[str, Limits](WRITTEN_SECONDS)
        self._totals = Expiring[tuple[str, str], Counts](WRITTEN_SECONDS)
        self._room = Expiring[str, StorageQuotaError | None](WRITTEN_SECONDS)

    def count(self, exchange: Exchange, principal: Principal | None) -> None:
        """Count a request about a dataset that is over."""
        account = None if principal is None else account_name(principal)
        if account is None or exchange.node is None or self._is_read_only:
            return
        day = datetime.now(UTC).date().isoformat()
        used = Used(day, account, exchange.node, api_of(exchange.route or ""))
        self._counts[used] += Counts(1, exchange.sent_bytes, exchange.received_bytes)
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(WRITTEN_SECONDS, self._begin_to_write)

    def write(self) -> None:
        """Write what was counted, in this thread: nothing may be counted meanwhile."""
        counted, self._counts = self._counts, defaultdict(Counts)
        self._write(counted)

    def _begin_to_write(self) -> None:
        counted, self._counts = self._counts, defaultdict(Counts)
        self._timer = None
        asyncio.get_running_loop().run_in_executor(None, self._write, counted)

    def _write(self, counted: dict[Used, Counts]) -> None:
        try:
            if counted:
                self.ledger.add(counted)
        except StoreReadOnlyError:
            self._is_read_only = True
        except VoxlakeError as error:
            _log.warning("usage of %d kinds is not counted: %s", len(counted), error)

    async def check(
        self, principal: Principal, route: str, metric: Metric, record: DatasetRecord
    ) -> None:
        """Raise QuotaError if all there is for this month was had.

        By whoever asks, by the kind of request, or of the dataset or what lies above it.
        """
        account = account_name(principal)
        if account is None:
            return
        limits = await self._limits.get("", self.ledger.limits)
        if not limits:
            return
        today = datetime.now(UTC)
        asked = Used("", account, 0, api_of(route)).subjects
        for subject, called in [*((each, each) for each in asked), *places_of(record)]:
            limit = limit_of(limits, subject, metric)
            if limit is None:
                continue
            find = partial(self._total, f"{today:%Y-%m}", subject)
            had = await self._totals.get((f"{today:%Y-%m}", subject), find)
            if had.of(metric) >= limit:
                raise used_up(called, metric, limit, today)

    async def check_room(self, record: DatasetRecord) -> None:
        """Raise StorageQuotaError if the dataset, or what lies above it, holds all that it may."""
        limits = await self._limits.get("", self.ledger.limits)
        if not any(metric is Metric.STORED for _, metric in limits):
            return
        full = await self._room.get(str(record.name), partial(self._full, record))
        if full is not None:
            raise StorageQuotaError(str(full))

    def _full(self, record: DatasetRecord) -> StorageQuotaError | None:
        try:
            StoredSizes(self.ledger.database).check_room(record.name.parts)
        except StorageQuotaError as error:
            return error
        return None

    def _total(self, month: str, subject: str) -> Counts:
        return self.ledger.of_month(month, [subject]).get(subject, Counts())


def used_up(subject: str, metric: Metric, limit: int, today: datetime) -> QuotaError:
    """Return what is said to who had all there is in a month, in the words of bossDB and more."""
    ends = (today.replace(day=1) + timedelta(days=32)).replace(
        day=1, hour=0, minute=0, second=0, microsecond=0
    )
    kind, _, name = subject.partition(":")
    whole = {"system": "System", "api": f"API {name}", "user": f"User {name}"}
    who = whole.get(kind, f"Place {name}")
    return QuotaError(
        f"{who} is throttled. Expected available {ends:%Y-%m-%d}: all {limit} bytes of {metric} of "
        "this month are used; ask an administrator for more",
        int((ends - today).total_seconds()) + 1,
    )


def places_of(record: DatasetRecord) -> list[tuple[str, str]]:
    """Return what a dataset counts for: each subject, and how people call it."""
    parts = record.name.parts
    below = enumerate(record.path[1:], 1)
    return [(subject_of(node), f"place:{'/'.join(parts[:depth])}") for depth, node in below]


def account_name(principal: Principal) -> str | None:
    """Return whom usage is put down to; None: the owner of a local server, whose is not counted.

    Examples
    --------
    >>> account_name(Principal("ada", user=7)), account_name(Principal("", is_anonymous=True))
    ('ada', '(anonymous)')
    """
    if principal.way is Way.LOCAL:
        return None
    if principal.is_anonymous:
        return "(anonymous)"
    return "(links)" if principal.way is Way.LINK else principal.name


def api_of(route: str) -> str:
    """Return the kind of request by the template of its route: a word that bossDB has, or a view.

    Examples
    --------
    >>> api_of("/v1/cutout/{collection}/{experiment}/{dataset}/{resolution}/{x}/{y}/{z}")
    'cutout'
    >>> api_of("/v2/datasets/{collection}/{experiment}/{dataset}/labels/{label}")
    'labels'
    >>> api_of("/zarr/{collection}/{experiment}/{dataset}/{key:path}"), api_of("")
    ('zarr', 'other')
    """
    words = [word for word in route.split("/") if word and "{" not in word]
    if len(words) > 1 and words[0] in {"v1", "v2"}:
        words = words[1:]
    if len(words) > 1 and words[0] in {"datasets", "collection"}:
        words = words[1:]
    return words[0] if words else "other"
