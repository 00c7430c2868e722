"""Turn database errors into our errors, without SQL, parameters or passwords in their text."""

from __future__ import annotations

import re
import sqlite3

from sqlalchemy.exc import DBAPIError

from voxlake.platform.errors import (
    ConflictError,
    CorruptDataError,
    StoreError,
    StoreFullError,
    StoreReadOnlyError,
    StoreUnavailableError,
    VoxlakeError,
)

type _Failure = tuple[type[VoxlakeError], str]
"""What is raised, and what to do."""

_UNAVAILABLE = StoreUnavailableError, "check that it is running and reachable"
_BUSY = StoreUnavailableError, "another program holds it, try again later"
_FULL = StoreFullError, "free some space and try again"
_READ_ONLY = (
    StoreReadOnlyError,
    "a lake that may only be read is served and queried, not changed; check its permissions",
)
_CORRUPT = CorruptDataError, "restore it from a backup, or move it away and start anew"
_REFUSED = StoreError, "check user, password and database of VOXLAKE_DATABASE_URL"
_CONFLICT = ConflictError, "it has been changed at the same time, try again"


def explain_database_error(action: str, title: str, error: Exception) -> VoxlakeError:
    """Return our error for what went wrong while an `action` ("read", "write") ran."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    text = str(cause).strip()
    about = f"cannot {action} the catalog in {title}: {text.splitlines()[0] if text else 'unknown'}"
    if isinstance(cause, sqlite3.Error):
        kinds, code = _SQLITE, str(getattr(cause, "sqlite_errorname", ""))
    else:
        kinds, code = _POSTGRES, getattr(cause, "sqlstate", None) or _code_without_state(text)
    for start, (kind, advice) in kinds.items():
        if code.startswith(start):
            return kind(f"{about}; {advice}")
    return StoreError(about)


def _code_without_state(text: str) -> str:
    """Return the SQLSTATE class of a failed connection: the driver gives none.

    A server refuses connections for reasons that pass, too: it starts up, recovers, shuts down,
    has too many clients, or a pooler has lost it. Only what it says of who asks is for good.
    """
    return "28" if _SAYS_REFUSED.search(text) else "08"


# Messages of the SQLSTATE classes 28 and 3D, and of pg_hba.conf (PostgreSQL's sources: auth.c,
# postinit.c, miscinit.c); poolers say the like.
_SAYS_REFUSED = re.compile(
    r"FATAL:.*(?:authentication failed|pg_hba\.conf|(?:role|user|database) \S+ does not exist"
    r"|no such (?:user|database)|not permitted to log in|permission denied for database"
    r"|is not currently accepting connections|no PostgreSQL user name)"
)

# Result codes: https://sqlite.org/rescode.html; an extended code begins with its primary code.
_SQLITE: dict[str, _Failure] = {
    "SQLITE_BUSY": _BUSY,
    "SQLITE_LOCKED": _BUSY,
    "SQLITE_FULL": _FULL,
    "SQLITE_READONLY": _READ_ONLY,
    "SQLITE_PERM": _READ_ONLY,
    "SQLITE_CANTOPEN": _READ_ONLY,
    "SQLITE_NOTADB": _CORRUPT,
    "SQLITE_CORRUPT": _CORRUPT,
    "SQLITE_CONSTRAINT": _CONFLICT,
}

# SQLSTATE classes: https://www.postgresql.org/docs/current/errcodes-appendix.html
_POSTGRES: dict[str, _Failure] = {
    "25006": _READ_ONLY,
    "42501": _READ_ONLY,
    "28": _REFUSED,
    "3D": _REFUSED,
    "53100": _FULL,
    "53": _BUSY,
    "55P03": _BUSY,
    "08": _UNAVAILABLE,
    "57P": _UNAVAILABLE,
    "XX001": _CORRUPT,
    "23": _CONFLICT,
    "40": _CONFLICT,
}
