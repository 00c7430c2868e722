"""What a token looks like: a prefix that scanners know, 256 random bits, a checksum."""

from __future__ import annotations

import hashlib
import re
import secrets
import string
import zlib

from voxlake.platform.errors import UnauthenticatedError

PREFIX = "vxl_"
_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_SECRET, _CHECKSUM = 43, 6
"""Digits of 62 that hold 32 and 4 bytes."""
_FORM = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{_SECRET + _CHECKSUM}}}")

SHOWN = len(PREFIX) + 6
"""How much of a token is kept and shown, to tell it from others."""


def new_token() -> str:
    """Return a new token.

    Examples
    --------
    >>> check_token(new_token())
    """
    secret = PREFIX + _write(int.from_bytes(secrets.token_bytes(32)), _SECRET)
    return secret + _checksum(secret)


def check_token(token: str) -> None:
    """Raise UnauthenticatedError if a text cannot be a token: nothing needs to be looked up.

    Examples
    --------
    >>> check_token("vxl_0")
    Traceback (most recent call last):
    voxlake.platform.errors.UnauthenticatedError: the token is cut off or mistyped; copy it whole
    """
    if not _FORM.fullmatch(token) or _checksum(token[:-_CHECKSUM]) != token[-_CHECKSUM:]:
        raise UnauthenticatedError("the token is cut off or mistyped; copy it whole")


def digest_of(token: str) -> str:
    """Return what is kept of a token. It is random enough that a plain hash tells nothing of it."""
    return hashlib.sha256(token.encode()).hexdigest()


def _checksum(secret: str) -> str:
    return _write(zlib.crc32(secret.encode()), _CHECKSUM)


def _write(number: int, digits: int) -> str:
    written = ""
    for _ in range(digits):
        number, digit = divmod(number, len(_DIGITS))
        written = _DIGITS[digit] + written
    return written
