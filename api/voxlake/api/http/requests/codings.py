"""The coding of a body that a client takes (RFC 9110, 12.5.3). Pure."""

from __future__ import annotations

from collections.abc import Sequence

from voxlake.api.formats.negotiate import weights_of

IDENTITY = "identity"


def preferred_coding(header: str | None, offered: Sequence[str]) -> str:
    """Return the first of the codings that are `offered` which an ``Accept-Encoding`` takes.

    `IDENTITY`, which all take, if it takes none of them, or there is no such header.

    Examples
    --------
    >>> preferred_coding("gzip, deflate, br, zstd", ("zstd", "gzip"))
    'zstd'
    >>> preferred_coding("gzip;q=0.5, zstd;q=0", ("zstd", "gzip"))
    'gzip'
    >>> preferred_coding(None, ("zstd", "gzip")), preferred_coding("*", ("zstd", "gzip"))
    ('identity', 'zstd')
    """
    weights = weights_of(header or "")
    others = weights.get("*", 0.0)
    return next((each for each in offered if weights.get(each, others) > 0), IDENTITY)
