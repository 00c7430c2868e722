"""Turn database errors into our errors, without SQL, parameters or passwords in their text."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

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

type _Explain = Callable[[str], VoxlakeError]


def explain_database_error(action: str, title: str, error: Exception) -> VoxlakeError:
    """Return our error for what went wrong while an `action` ("read", "write") ran."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    text = str(cause).strip()
    about = f"cannot {action} the catalog in {title}: {text.splitlines()[0] if text else 'unknown'}"
    if isinstance(cause, sqlite3.Error):
        kinds, code = _SQLITE, str(getattr(cause, "sqlite_errorname", ""))
    else:
        kinds, code = _POSTGRES, getattr(cause, "sqlstate", None) or _code_without_state(text)
    for start, explain in kinds.items():
        if code.startswith(start):
            return explain(about)
    return StoreError(about)


def _code_without_state(text: str) -> str:
    """Return the SQLSTATE class of a failed connection: the driver gives none."""
    # Spoken by the server itself, which is up and refuses; else nothing has answered.
    return "28" if "FATAL:" in text else "08"


def _unavailable(about: str) -> VoxlakeError:
    return StoreUnavailableError(f"{about}; check that it is running and reachable")


def _busy(about: str) -> VoxlakeError:
    return StoreUnavailableError(f"{about}; another program holds it, try again later")


def _full(about: str) -> VoxlakeError:
    return StoreFullError(f"{about}; free some space and try again")


def _read_only(about: str) -> VoxlakeError:
    return StoreReadOnlyError(f"{about}; check its permissions, or give VOXLAKE_DATABASE_URL")


def _corrupt(about: str) -> VoxlakeError:
    return CorruptDataError(f"{about}; restore it from a backup, or move it away and start anew")


def _refused(about: str) -> VoxlakeError:
    return StoreError(f"{about}; check user, password and database of VOXLAKE_DATABASE_URL")


def _conflict(about: str) -> VoxlakeError:
    return ConflictError(f"{about}; it has been changed at the same time, try again")


# Result codes: https://sqlite.org/rescode.html; an extended code begins with its primary code.
_SQLITE: dict[str, _Explain] = {
    "SQLITE_BUSY": _busy,
    "SQLITE_LOCKED": _busy,
    "SQLITE_FULL": _full,
    "SQLITE_READONLY": _read_only,
    "SQLITE_PERM": _read_only,
    "SQLITE_CANTOPEN": _read_only,
    "SQLITE_NOTADB": _corrupt,
    "SQLITE_CORRUPT": _corrupt,
    "SQLITE_CONSTRAINT": _conflict,
}

# SQLSTATE classes: https://www.postgresql.org/docs/current/errcodes-appendix.html
_POSTGRES: dict[str, _Explain] = {
    "25006": _read_only,
    "42501": _read_only,
    "28": _refused,
    "3D": _refused,
    "53100": _full,
    "53": _busy,
    "55P03": _busy,
    "08": _unavailable,
    "57P": _unavailable,
    "XX001": _corrupt,
    "23": _conflict,
    "40": _conflict,
}
