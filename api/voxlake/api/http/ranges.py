"""Byte ranges and entity tags of HTTP requests (RFC 9110, sections 8.8, 13 and 14). Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

_RANGE = re.compile(r"bytes\s*=\s*(?:(\d{1,19})-(\d{1,19})?|-(\d{1,19}))\s*")
_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')


@dataclass(frozen=True, slots=True)
class ByteRange:
    """One range as a client asked for it, before the size of the object is known."""

    first: int | None
    """Offset of the first byte; None for a suffix."""
    last: int | None
    """Offset of the last byte, included; None for "to the end"."""
    suffix: int | None = None
    """Number of bytes at the end, for a suffix."""

    def resolve(self, size: int) -> tuple[int, int] | None:
        """Return the bytes ``[start, stop)`` of an object of `size` bytes; None: unsatisfiable.

        Examples
        --------
        >>> ByteRange(2, 99).resolve(10), ByteRange(None, None, 3).resolve(10)
        ((2, 10), (7, 10))
        >>> ByteRange(10, None).resolve(10) is None
        True
        """
        if self.suffix is not None:
            start, stop = max(0, size - self.suffix), size
        else:
            start = self.first or 0
            stop = size if self.last is None else min(size, self.last + 1)
        return (start, stop) if start < stop else None


def parse_range(header: str | None) -> ByteRange | None:
    """Return the range that a ``Range`` header asks for; None if the whole object is to be sent.

    A header that is malformed, of another unit or of several ranges is ignored, as RFC 9110 14.2
    allows: the answer is then the whole object.

    Examples
    --------
    >>> parse_range("bytes=0-99")
    ByteRange(first=0, last=99, suffix=None)
    >>> parse_range("bytes=0-1,5-6") is None
    True
    """
    found = _RANGE.fullmatch(header or "")
    if found is None:
        return None
    first, last, suffix = (None if text is None else int(text) for text in found.groups())
    if suffix is None and last is not None and first is not None and last < first:
        return None
    return ByteRange(first, last, suffix)


def matches(header: str, etag: str, *, weak: bool) -> bool:
    """Return whether `etag` (quoted, strong) is on the list of an ``If-...`` header.

    Parameters
    ----------
    weak
        Compare as ``If-None-Match`` does (RFC 9110 8.8.3.2): a weak tag equals a strong one.

    Examples
    --------
    >>> matches('"a", W/"b"', '"b"', weak=True), matches('"a", W/"b"', '"b"', weak=False)
    (True, False)
    """
    if header.strip() == "*":
        return True
    opaque = etag.strip('"')
    return any(tag == opaque and (weak or not mark) for mark, tag in _TAG.findall(header))


def range_applies(if_range: str | None, etag: str) -> bool:
    """Return whether ``Range`` is to be honoured: ``If-Range`` is absent or names this very object.

    A date never matches, as no modification dates are sent (RFC 9110 13.1.5).
    """
    return if_range is None or (if_range != "*" and matches(if_range, etag, weak=False))
