"""Errors in bossDB's form, with its numbers: of its addresses alone."""

from __future__ import annotations

from typing import Any

from voxlake.documents.bossdb import BossError

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
UNKNOWN = 9002
_SCHEMA = {"application/json": {"schema": {"$ref": "#/components/schemas/BossError"}}}


def boss_error(kind: str, status: int, detail: str, request_id: str) -> BossError:
    """Return an error as bossDB's clients know it.

    Examples
    --------
    >>> boss_error("not-found", 404, "there is none", "1").code
    4000
    """
    code = _KINDS.get(kind, _CODES.get(status, UNKNOWN))
    return BossError(status=status, code=code, message=detail, request_id=request_id)


def documented_as_boss(documented: dict[int | str, dict[str, Any]]) -> dict[Any, dict[str, Any]]:
    """Return what the OpenAPI document says of errors, in bossDB's form."""
    return {status: {**said, "content": _SCHEMA} for status, said in documented.items()}
