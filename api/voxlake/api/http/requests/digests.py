"""Digests of bodies: ``Content-Digest`` and ``Repr-Digest`` (RFC 9530). Pure.

Bodies are taken as they are, without a coding, so that both are of the same bytes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator, Mapping

from voxlake.platform.errors import InvalidInputError

HEADERS = ("content-digest", "repr-digest")
_ALGORITHMS = {"sha-256": hashlib.sha256, "sha-512": hashlib.sha512}
"""Those that are in use against tampering (RFC 9530, 7.2); others are passed over."""
_MEMBER = re.compile(r"([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/=]*):")


def check_digests(headers: Mapping[str, str], body: memoryview) -> None:
    """Raise InvalidInputError if a header says another digest of the body than it has.

    Examples
    --------
    >>> said = "sha-256=:n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=:"
    >>> check_digests({"content-digest": said}, memoryview(b"test"))
    >>> check_digests({"content-digest": said}, memoryview(b"tost"))
    Traceback (most recent call last):
    voxlake.platform.errors.InvalidInputError: the body has another sha-256 than content-digest ...
    """
    for header in HEADERS:
        for name, expected in _digests(header, headers.get(header, "")):
            if name in _ALGORITHMS and _ALGORITHMS[name](body).digest() != expected:
                raise InvalidInputError(
                    f"the body has another {name} than {header} says: it was changed on its way, "
                    "and nothing was written; send it again"
                )


def _digests(header: str, text: str) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of the members of a header (RFC 8941, dictionaries)."""
    for each in filter(None, map(str.strip, text.split(","))):
        malformed = InvalidInputError(
            f"{header} is malformed at {each[:100]!r}; write it as sha-256=:BASE64:"
        )
        member = _MEMBER.fullmatch(each)
        if member is None:
            raise malformed
        try:
            yield member[1], base64.b64decode(member[2], validate=True)
        except binascii.Error as error:
            raise malformed from error
