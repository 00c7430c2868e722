"""What was used of the lake: one sees one's own, administrators all; they say how much may be."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from voxlake.api.guards.askers import Asker
from voxlake.documents.bossdb.metrics import BossLimit, BossMetric, BossUsage
from voxlake.documents.people.usage import (
    LimitList,
    LimitQuestion,
    StoredList,
    UsageDocument,
    limit_list,
    stored_list,
    used_document,
)
from voxlake.platform.catalog import Catalog
from voxlake.platform.catalog.usage import MONTHLY, limit_of
from voxlake.platform.errors import ForbiddenError

_DEFAULTS = {"def_system_limit": "system", "def_api_limit": "api:*", "def_user_limit": "user:*"}
NO_LIMIT = -1


async def describe(asker: Asker, month: str | None) -> UsageDocument:
    """Return what was used in a month, by default the present one."""
    month = month or _this_month()
    account = None if asker.principal.administers else asker.principal.name
    found = await asker.of_catalog(lambda catalog: catalog.usage.of_datasets(month, account))
    return UsageDocument(month=month, used=tuple(map(used_document, found)))


async def list_limits(asker: Asker) -> LimitList:
    """Return all limits, for administrators."""
    return limit_list(await asker.of_catalog(lambda catalog: catalog.usage.told_limits()))


async def list_stored(asker: Asker) -> StoredList:
    """Return what is stored of datasets, for administrators."""
    return stored_list(await asker.of_catalog(lambda catalog: catalog.stored.sizes()))


async def set_limit(asker: Asker, asked: LimitQuestion) -> LimitList:
    """Set a limit, for administrators."""

    def change(catalog: Catalog) -> LimitList:
        catalog.usage.set_limit(asked.subject, asked.metric, asked.limit)
        return limit_list(catalog.usage.told_limits())

    return await asker.of_catalog(change)


async def list_metrics(asker: Asker) -> tuple[BossMetric, ...]:
    """Return what bossDB calls metrics: the limits of all that have none of their own."""
    limits = await asker.of_catalog(lambda catalog: catalog.usage.limits())
    return tuple(
        BossMetric(
            mtype=metric,
            **{
                name: limits.get((subject, metric), NO_LIMIT) for name, subject in _DEFAULTS.items()
            },
        )
        for metric in MONTHLY
    )


async def list_usage(asker: Asker, metric: str | None) -> tuple[BossUsage, ...]:
    """Return what subjects had in this month, as bossDB tells it: of others to administrators.

    Raises
    ------
    ForbiddenError
        If another is asked for, and not by an administrator.
    """
    mine, month = f"user:{asker.principal.name}", _this_month()
    if not asker.principal.administers and metric not in {None, mine}:
        raise ForbiddenError(f"{metric} is for administrators to see; ask for {mine}")
    wanted = metric or (None if asker.principal.administers else mine)

    def question(catalog: Catalog) -> tuple[BossUsage, ...]:
        limits = catalog.usage.limits()
        had = catalog.usage.of_month(month, None if wanted is None else [wanted])
        return tuple(
            BossUsage(
                metric=subject,
                mtype=each,
                limit=_told(limit_of(limits, subject, each)),
                since=f"{month}-01",
                value=counts.of(each),
            )
            for subject, counts in had.items()
            for each in MONTHLY
        )

    return await asker.of_catalog(question)


async def set_limits(asker: Asker, asked: Iterable[BossLimit]) -> None:
    """Set limits of subjects, for administrators; one below 0 is none."""
    for each in asked:
        limit = each.limit if each.limit >= 0 else None
        await set_limit(asker, LimitQuestion(subject=each.metric, metric=each.mtype, limit=limit))


def _told(limit: int | None) -> int:
    return NO_LIMIT if limit is None else limit


def _this_month() -> str:
    return f"{datetime.now(UTC):%Y-%m}"
