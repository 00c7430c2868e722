"""Which stores a lake may open that somebody else named: its own, and those on a list.

What the catalog, and requests to a gateway, say lies elsewhere is opened by `allowed_store` alone.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from voxlake.platform.errors import InvalidInputError, StoreForbiddenError
from voxlake.platform.store.clouds.azure import own_endpoint
from voxlake.platform.store.url import StoreURL

if TYPE_CHECKING:
    from voxlake.platform.settings import Settings

MARK = ".voxlake"
"""What is under this prefix says that a place is a lake; a local lake keeps its catalog there."""

_HOST = r"(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])"
_ORIGIN = rf"https?://(?P<host>{_HOST})(?::[1-9][0-9]*)?"
_WEB = re.compile(rf"{_ORIGIN}(?:/[!-~]*)?")
_BUCKET = re.compile(r"(?P<cloud>s3|gs|az)://[a-z0-9][a-z0-9._-]+[a-z0-9](?:[/?][!-~]*)?")
_OPTIONS = {"s3": {"endpoint", "region"}, "gs": set[str](), "az": {"endpoint", "account"}}
_WORD = re.compile(r"[a-z0-9-]+")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_DEFAULT_PORTS = {"https": ":443", "http": ":80"}


def allowed_store(text: str, lake: StoreURL, settings: Settings) -> StoreURL:
    """Return the address of a store that the lake may open; it says whether it is foreign.

    The lake's credentials are for S3 at the lake's endpoint, for Google, and for one storage
    account of Azure, which its administrator has chosen; servers of others get none.

    Parameters
    ----------
    text
        A folder, ``s3://BUCKET/PATH``, the same with ``gs://`` or ``az://``, or
        ``https://HOST/PATH``.

    Raises
    ------
    InvalidInputError
        If it is written in a way that programs differ about, or is no store.
    StoreForbiddenError
        If it is neither below the lake nor below a store on the list.
    """
    url = plain_store(text, settings)
    inner = lake / MARK
    if is_below(url, inner) or not any(is_below(url, each) for each in (lake, *_listed(settings))):
        raise StoreForbiddenError(
            f"{url} is not on the list of stores that may be opened; an administrator adds it, or "
            "what it lies below, to VOXLAKE_ALLOWED_STORES"
        )
    return replace(url, foreign=_is_foreign(url, lake, settings))


@lru_cache(maxsize=16)
def _listed(settings: Settings) -> tuple[StoreURL, ...]:
    return tuple(plain_store(each, settings) for each in settings.allowed_stores)


def plain_store(text: str, settings: Settings) -> StoreURL:
    """Return the address of a store that is written in the one way that all programs take alike."""
    if text.startswith("/") and not _CONTROL.search(text):
        return StoreURL.parse(text)
    if "#" in text or not _is_plain(text):
        raise InvalidInputError(
            f"{text!r} is no store; write /FOLDER, s3://BUCKET/PATH, gs://BUCKET/PATH, "
            "az://CONTAINER/PATH or https://HOST/PATH, names of hosts in small letters and without "
            "user and '#'"
        )
    url = StoreURL.parse_readable(text, settings)
    if _CONTROL.search(url.key):
        raise InvalidInputError(f"{text!r} has control characters in its path; leave them out")
    return replace(url, root=url.root.removesuffix(_DEFAULT_PORTS.get(url.scheme, " ")))


def _is_plain(text: str) -> bool:
    if web := _WEB.fullmatch(text):
        return _is_host(web["host"])
    bucket = _BUCKET.fullmatch(text)
    return bucket is not None and _has_plain_options(text, _OPTIONS[bucket["cloud"]])


def _has_plain_options(text: str, known: set[str]) -> bool:
    """Return whether the options are among those `known`: an origin, and words; each once."""
    pairs = parse_qsl(urlsplit(text).query, keep_blank_values=True)
    options = dict(pairs)
    if len(options) < len(pairs) or not options.keys() <= known:
        return False
    # That of a storage account may end in its name, as an emulator's does.
    account = "(?:/[a-z0-9]{3,24})?" if "account" in known else ""
    origin = re.fullmatch(_ORIGIN + account, options.get("endpoint", "https://any"))
    return (
        origin is not None
        and _is_host(origin["host"])
        and all(_WORD.fullmatch(options[name]) for name in options.keys() - {"endpoint"})
    )


def _is_host(host: str) -> bool:
    """Return whether it is a name, or an address as it is written in full.

    Examples
    --------
    >>> _is_host("lab.org"), _is_host("127.0.0.1"), _is_host("[::1]")
    (True, True, True)
    >>> _is_host("127.1"), _is_host("2130706433"), _is_host("0x7f.0.0.1"), _is_host("0177.0.0.1")
    (False, False, False, False)
    """
    if not host.startswith("[") and not _NUMBER.fullmatch(host.rpartition(".")[2]):
        return ".." not in host
    try:
        return str(ip_address(host.strip("[]"))) == host.strip("[]")
    except ValueError:
        return False


def is_below(url: StoreURL, root: StoreURL) -> bool:
    """Return whether a place is another, or below it."""
    if url.scheme == root.scheme == "file":
        return url.path.is_relative_to(root.path)
    same = (url.scheme, url.root, url.endpoint) == (root.scheme, root.root, root.endpoint)
    return same and f"{url.key}/".startswith(f"{root.key}/" if root.key else "")


def _is_foreign(url: StoreURL, lake: StoreURL, settings: Settings) -> bool:
    """Return whether it is on the web, or of others than the lake's credentials are for."""
    if url.scheme == "az":
        return url.endpoint != own_endpoint(settings)
    ours = lake if lake.scheme == "s3" else StoreURL.parse("s3://any", settings)
    return not url.is_listed or (url.scheme == "s3" and url.endpoint != ours.endpoint)
