"""Byte ranges and entity tags of HTTP requests (RFC 9110, sections 8.8, 13 and 14). Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus

_RANGE = re.compile(r"bytes\s*=\s*(?:([0-9]+)-([0-9]+)?|-([0-9]+))\s*", re.IGNORECASE)
_MOST = 1 << 63
"""Larger than any object: what is asked beyond it is asked there."""
_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')


def parse_range(header: str | None) -> slice | None:
    """Return the range that a ``Range`` header asks for; None if the whole object is to be sent.

    A header that is malformed, of another unit or of several ranges is ignored, as RFC 9110 14.2
    allows: the answer is then the whole object.

    Examples
    --------
    >>> parse_range("bytes=0-99"), parse_range("bytes=2-"), parse_range("bytes=-3")
    (slice(0, 100, None), slice(2, None, None), slice(-3, None, None))
    >>> parse_range("bytes=0-1,5-6") is None
    True
    """
    ends = _RANGE.fullmatch(header or "")
    if ends is None:
        return None
    first, last, suffix = map(_number, ends.groups())
    if first is None:
        # The last 0 bytes are none, which no slice with a negative start says.
        return slice(-suffix, None) if suffix else slice(0, 0)
    if last is None:
        return slice(first, None)
    return slice(first, last + 1) if first <= last else None


def _number(digits: str | None) -> int | None:
    """Return a number of any length, as RFC 9110 8.6 asks for, none above `_MOST`."""
    if digits is None:
        return None
    # Python converts no more than some thousand digits.
    significant = digits.lstrip("0")
    return min(int(significant or "0"), _MOST) if len(significant) < 20 else _MOST


def resolve(wanted: slice, size: int) -> tuple[int, int] | None:
    """Return the bytes ``[start, stop)`` of an object of `size` bytes; None: unsatisfiable.

    Examples
    --------
    >>> resolve(slice(2, 100), 10), resolve(slice(-3, None), 10), resolve(slice(10, None), 10)
    ((2, 10), (7, 10), None)
    """
    start, stop, _ = wanted.indices(size)
    return (start, stop) if start < stop else None


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


def has_condition(headers: Mapping[str, str]) -> bool:
    """Return whether a request depends on an entity tag."""
    return "if-match" in headers or "if-none-match" in headers


def early_status(headers: Mapping[str, str], etag: str) -> HTTPStatus | None:
    """Return the status that ends a GET or HEAD early, by RFC 9110 13.2.2; None to go on.

    Examples
    --------
    >>> early_status({"if-none-match": 'W/"a"'}, '"a"'), early_status({"if-match": '"b"'}, '"a"')
    (<HTTPStatus.NOT_MODIFIED: 304>, <HTTPStatus.PRECONDITION_FAILED: 412>)
    """
    if_match, if_none_match = headers.get("if-match"), headers.get("if-none-match")
    if if_match is not None and not matches(if_match, etag, weak=False):
        return HTTPStatus.PRECONDITION_FAILED
    if if_none_match is not None and matches(if_none_match, etag, weak=True):
        return HTTPStatus.NOT_MODIFIED
    return None


def opaque_tags(header: str) -> list[str]:
    """Return the strong tags on the list of an ``If-Match`` header, without quotes.

    Examples
    --------
    >>> opaque_tags('"a", W/"b", "c"')
    ['a', 'c']
    """
    return [tag for mark, tag in _TAG.findall(header) if not mark]


def range_applies(if_range: str | None, etag: str) -> bool:
    """Return whether ``Range`` is to be honoured: ``If-Range`` is absent or names this very object.

    A date never matches, as no modification dates are sent (RFC 9110 13.1.5).
    """
    return if_range is None or (if_range != "*" and matches(if_range, etag, weak=False))
