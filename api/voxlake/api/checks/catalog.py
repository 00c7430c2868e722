"""Whether the database of a catalog can be worked with."""

from __future__ import annotations

from voxlake.api.checks.outcome import Outcome
from voxlake.platform.catalog.condition import NEWEST, Condition, condition_of
from voxlake.platform.database import Database

CLOCK_S = 5.0
"""Clocks that differ by more make leases and tokens end at other times than people think."""


def look_at_database(database: Database) -> Outcome:
    """Look at the tables and the clock of a database; nothing is made or brought up to date."""
    return outcome_of(database.title, condition_of(database))


def outcome_of(title: str, found: Condition) -> Outcome:
    """Return what is to be said of a database."""
    if found.revision is None:
        return "fail", f"{title} has no tables", "make them: voxlake init"
    told = f"{title}, tables of revision {found.revision}"
    if found.is_older:
        advice = "back it up; what opens the catalog next brings them there: voxlake init"
        return "warn", f"{told}; this voxlake works with {NEWEST}", advice
    if found.revision != NEWEST:
        return "fail", f"{told}; this voxlake knows up to {NEWEST}", "upgrade voxlake here"
    if abs(found.ahead_s) > CLOCK_S:
        told += f"; its clock differs from that of this machine by {abs(found.ahead_s):.0f} s"
        return "warn", told, "let both keep the time by NTP"
    return "ok", told, None
