"""Errors in bossDB's form, with its numbers: of its addresses alone."""

from __future__ import annotations

from typing import Any

from voxlake.platform.errors import (
    GroupNotFoundError,
    NoSuchLevelError,
    UserNotFoundError,
    VoxlakeError,
)

ARGUMENT, CUTOUT, ADDRESS = 1003, 1001, 1000
_CODES = {
    400: ARGUMENT,
    401: 3004,
    403: 3001,
    404: 4000,
    405: ADDRESS,
    406: ARGUMENT,
    409: 4003,
    413: 2000,
    415: 5001,
}
"""By status."""
_KINDS = {"out-of-bounds": CUTOUT}
"""By kind, where it says more than the status."""
_OF_ERRORS: dict[type[VoxlakeError], int] = {
    NoSuchLevelError: 1002,
    GroupNotFoundError: 4001,
    UserNotFoundError: 4002,
}
"""By what was raised, where it says more than its kind."""
UNKNOWN = 9002
_SCHEMA = {"application/json": {"schema": {"$ref": "#/components/schemas/BossError"}}}


def number_of(kind: str, status: int, error: VoxlakeError | None) -> int:
    """Return bossDB's number of an error, by what was raised if anything was.

    Examples
    --------
    >>> number_of("not-found", 404, None), number_of("not-found", 404, UserNotFoundError())
    (4000, 4002)
    """
    by_kind = _KINDS.get(kind, _CODES.get(status, UNKNOWN))
    return by_kind if error is None else _OF_ERRORS.get(type(error), by_kind)


def documented_as_boss(documented: dict[int | str, dict[str, Any]]) -> dict[Any, dict[str, Any]]:
    """Return what the OpenAPI document says of errors, in bossDB's form."""
    return {status: {**said, "content": _SCHEMA} for status, said in documented.items()}
