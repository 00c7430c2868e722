"""Addresses hold no credentials: they are recorded in the catalog, logged and shown."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from voxlake.platform.errors import InvalidInputError

# Before the @ of an address; or after the colon of one, where only the number of a port belongs.
_USER = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#\s]*@|[^/?#\s@:\[\]]+:(?!:|\d*(?:[/?#:&;]|\Z)))"
)
_OPTION = re.compile(r"[?&;#]([^=&;#?]+)=")
# Names that tokens, keys, signatures and passwords go by, in whatever spelling.
_SECRET = re.compile(
    r"token|secret|passw|pwd|passphrase|api[-_.]?key|access[-_.]?key|private[-_.]?key|"
    r"account[-_.]?key|credential|signature|auth(?!or)|bearer|jwt|session|cookie|"
    r"^(?:key|sig|pass|pw|user|username|login|code|sas|ak|sk)$",
    re.IGNORECASE,
)
_ADVICE = (
    "addresses are recorded and shown, so they may hold none: give keys of S3 as "
    "VOXLAKE_S3_ACCESS_KEY_ID and VOXLAKE_S3_SECRET_ACCESS_KEY; what a web server keeps behind a "
    "password, download first, or serve it on this machine"
)


def refuse_credentials(address: str) -> None:
    """Raise InvalidInputError if an address holds a user, a password, a token or a key.

    The message does not repeat it. Paths of this machine hold none.

    Examples
    --------
    >>> refuse_credentials("s3://bucket/em.zarr?endpoint=http://127.0.0.1:8333")
    >>> refuse_credentials("https://me:pass@host/em.zarr")
    Traceback (most recent call last):
        ...
    voxlake.platform.errors.InvalidInputError: an address of https:// has a user or password...
    """
    text = address
    if "://" not in unquote(unquote(text)):
        return
    scheme = re.findall(r"([A-Za-z][A-Za-z0-9+-]*)://", unquote(unquote(text)))[:1]
    what = f"an address of {''.join(scheme)}://"
    # An address inside another is quoted, perhaps twice.
    for _ in range(3):
        if _USER.search(text) or _has_user(text):
            raise InvalidInputError(f"{what} has a user or password in it; {_ADVICE}")
        for name in _OPTION.findall(text):
            if _SECRET.search(name.strip()):
                raise InvalidInputError(f"{what} has credentials in its option {name}; {_ADVICE}")
        text = unquote(text)


def _has_user(text: str) -> bool:
    try:
        return "@" in urlsplit(text).netloc
    except ValueError:
        return False
