"""Whether what is stored was measured lately, which limits of what may be stored go by."""

from __future__ import annotations

from datetime import timedelta

from voxlake.api.checks.outcome import Outcome
from voxlake.platform.catalog.stored import StoredSizes
from voxlake.platform.catalog.usage import Metric, read_limits
from voxlake.platform.database import Database, now

OLD = timedelta(days=2)
"""A nightly measurement that is older was not made."""
_ADVICE = "have it measured each night: voxlake usage measure, as the files of deploy/ do"


def look_at_measured(database: Database) -> Outcome:
    """Look at when datasets were measured last."""
    sizes = StoredSizes(database).sizes()
    if not sizes:
        if any(metric is Metric.STORED for _, metric in read_limits(database)):
            return "warn", "limits of what may be stored hold nothing: none was measured", _ADVICE
        return "ok", "none was measured, and none is limited in what it may store", None
    age = now() - min(size.measured_at for size in sizes)
    found = f"{len(sizes)} datasets, within {max(1, -(-age // timedelta(hours=1)))} hours"
    return ("warn", found, _ADVICE) if age > OLD else ("ok", found, None)
