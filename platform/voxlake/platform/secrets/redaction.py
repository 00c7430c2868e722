"""Secrets are taken out of texts that others read: the backstop behind never writing them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from pydantic import SecretStr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pydantic_settings import BaseSettings

REDACTED = "[redacted]"
SHORTEST = 8
"""Characters of a configured secret that is looked for; a shorter one is a word of any text."""

_FORMS = {
    # Tokens of voxlake: of users, of which the first six digits are shown, and of the owner.
    "vxl_": r"vxl_[0-9A-Za-z]{7,}",
    "voxlake_": r"voxlake_[0-9A-Za-z_-]{32,}",
    # A signed JWT: its header is a JSON object in base64url (RFC 7519).
    "eyJ": r"eyJ[0-9A-Za-z_-]{5,}\.[0-9A-Za-z_-]+(?:\.[0-9A-Za-z_-]*)?",
    # A user and password in an address.
    "://": r"(?<=://)[^\s/?#@\"']+(?=@)",
}
"""What secrets look like, by a part of them that few texts have."""


def redactor(secrets: Iterable[str] = ()) -> Callable[[str], str]:
    """Return a function that takes secrets out of a text: those given, and what looks like one.

    A secret is found as it is, quoted for an address, and within JSON.

    Examples
    --------
    >>> redactor(["correct horse"])("said correct%20horse and eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.")
    'said [redacted] and [redacted]'
    """
    written = {
        form
        for secret in secrets
        if len(secret) >= SHORTEST
        for form in (secret, quote(secret, safe=""), json.dumps(secret)[1:-1])
    }
    # The longest first: one may begin as another does.
    known = sorted(written, key=len, reverse=True)
    forms = [(part, re.compile(form)) for part, form in _FORMS.items()]

    def redact(text: str) -> str:
        for secret in known:
            text = text.replace(secret, REDACTED)
        for part, form in forms:
            if part in text:
                text = form.sub(REDACTED, text)
        return text

    return redact


def secrets_of(settings: BaseSettings) -> Iterator[str]:
    """Yield all secrets of settings: each of several in one, and the passwords of addresses."""
    for value in dict(settings).values():
        for one in value if isinstance(value, tuple | list) else (value,):
            if isinstance(one, SecretStr):
                yield from _secrets_in(one.get_secret_value())


def _secrets_in(text: str) -> Iterator[str]:
    yield text
    yield from re.split(r"[\s,]+", text)
    if "://" in text and (password := urlsplit(text).password):
        yield password
        yield unquote(password)
