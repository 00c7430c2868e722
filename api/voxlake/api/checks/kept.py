"""How long is kept what was deleted, and what only grows: as the settings say, and as it is."""

from __future__ import annotations

from datetime import datetime, timedelta

from voxlake.api.checks.outcome import Outcome
from voxlake.platform.catalog import Catalog
from voxlake.platform.database import now
from voxlake.platform.settings import Settings

LATE = timedelta(days=2)
"""So much older than it is kept something may be, as a worker looks each hour."""


def look_at_kept(catalog: Catalog, settings: Settings) -> Outcome:
    """Look at what is kept, and whether what is older than that goes."""
    kept = {"audit": settings.audit_days, "usage": settings.usage_days, "jobs": settings.jobs_days}
    told = [f"what is deleted for {_days(settings.deleted_days)}"]
    told += [f"{what} for {'ever' if days is None else _days(days)}" for what, days in kept.items()]
    count = catalog.deleted.count()
    text = f"{', '.join(told)}; {count} deleted can be brought back"
    oldest = catalog.retention.oldest()
    late = [what for what, days in kept.items() if _is_late(oldest.get(what), days)]
    if late:
        advice = "start a worker, or have it done each night: voxlake catalog prune"
        return "warn", f"{text}; older than that is {', '.join(late)}", advice
    return "ok", text, None


def _is_late(oldest: datetime | None, days: int | None) -> bool:
    if oldest is None or days is None:
        return False
    return oldest < now() - timedelta(days=days) - LATE


def _days(count: int) -> str:
    return f"{count} day{'' if count == 1 else 's'}"
