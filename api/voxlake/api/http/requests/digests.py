"""Digests of bodies: ``Content-Digest`` and ``Repr-Digest`` (RFC 9530), and what was before. Pure.

Bodies are taken as they are, without a coding, so that all are of the same bytes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from voxlake.platform.errors import InvalidInputError

_ALGORITHMS: dict[str, Callable[[memoryview], Any]] = {
    "sha-256": hashlib.sha256,
    "sha-512": hashlib.sha512,
    "content-md5": partial(hashlib.md5, usedforsecurity=False),
}
"""Those that are in use against tampering (RFC 9530, 7.2), and what many clients of S3 send;
others are passed over."""
_BASE64 = r"([A-Za-z0-9+/=]*)"
_NAMED = re.compile(rf"([a-z*][a-z0-9_.*-]*)=:{_BASE64}:")
_MEMBERS = {
    "content-digest": _NAMED,
    "repr-digest": _NAMED,
    "digest": re.compile(rf"([A-Za-z0-9-]+)={_BASE64}"),
    "content-md5": re.compile(rf"(){_BASE64}"),
}
"""What each header lists (RFC 9530, and before it RFC 3230 and RFC 1864)."""

HEADERS = tuple(_MEMBERS)


def check_digests(headers: Mapping[str, str], body: memoryview) -> None:
    """Raise InvalidInputError if a header says another digest of the body than it has.

    Examples
    --------
    >>> said = "sha-256=:n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=:"
    >>> check_digests({"content-digest": said}, memoryview(b"test"))
    >>> check_digests({"content-digest": said}, memoryview(b"tost"))
    Traceback (most recent call last):
    voxlake.platform.errors.InvalidInputError: the body has another sha-256 than content-digest ...
    >>> check_digests({"content-md5": "CY9rzUYh03PK3k6DJie09g=="}, memoryview(b"test"))
    """
    for header in HEADERS:
        for name, expected in _digests(header, headers.get(header, "")):
            if _ALGORITHMS[name](body).digest() != expected:
                raise InvalidInputError(
                    f"the body has another {name} than {header} says: it was changed on its way, "
                    "and nothing was written; send it again"
                )


def _digests(header: str, text: str) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of those members of a header that are known here."""
    for each in filter(None, map(str.strip, text.split(","))):
        malformed = InvalidInputError(
            f"{header} is malformed at {each[:100]!r}; write Content-Digest: sha-256=:BASE64:"
        )
        member = _MEMBERS[header].fullmatch(each)
        if member is None:
            raise malformed
        name = member[1].lower() or header
        if name not in _ALGORITHMS:
            continue
        try:
            yield name, base64.b64decode(member[2], validate=True)
        except binascii.Error as error:
            raise malformed from error
