"""What a job that is asked for over HTTP may read: what lies below the places on a list.

A gateway looks before it records such a job, and the worker once more, with its own settings, where
links of its file system lead.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from voxlake.platform.errors import InvalidInputError, StoreForbiddenError
from voxlake.platform.store.allowed.stores import is_below, plain_store

if TYPE_CHECKING:
    from voxlake.platform.settings import Settings
    from voxlake.platform.store.url import StoreURL

_OPTIONS = re.compile(r"\?\w+=[^/]*$")
_CLOUD = re.compile(r"^(?:s3|gs|az)://")
_MAGIC = re.compile(r"[*?\[{]")
_RUN = re.compile(r"\.json($|[?:])", re.IGNORECASE)
"""Configurations of boss-ingest name code that is run."""


def check_source(location: str, lake: StoreURL, settings: Settings) -> None:
    """Let a source be read that lies below ``VOXLAKE_INGEST_STORES``, and nowhere in the lake.

    Parameters
    ----------
    location
        ``/FOLDER``, a file or a pattern of files, or ``s3://BUCKET/PATH``, the same with
        ``gs://`` or ``az://``; after ``::`` a path inside.

    Raises
    ------
    InvalidInputError
        If it is written in a way that may lead elsewhere.
    StoreForbiddenError
        If it lies elsewhere, holds the lake or lies in it.
    """
    outer, _, inner = location.partition("::")
    _refuse_ways_out(location, outer, inner)
    listed = [plain_store(each, settings) for each in settings.ingest_stores]
    for text in _places(outer, inner):
        url = plain_store(text, settings)
        if not any(is_below(url, each) for each in listed):
            raise StoreForbiddenError(
                f"source {location} does not lie where this server reads sources from for others; "
                "an administrator adds it, or what it lies below, to VOXLAKE_INGEST_STORES"
            )
        if is_below(url, lake) or is_below(lake, url):
            raise StoreForbiddenError(
                f"source {location} and the lake lie in one another; what is in the lake is read "
                "with the rights to it alone"
            )


def _refuse_ways_out(location: str, outer: str, inner: str) -> None:
    path = outer if outer.startswith("/") else _CLOUD.sub("", outer)
    if path == outer and not outer.startswith("/"):
        raise InvalidInputError(
            f"source {location!r} is no place that a server reads sources from for others; write "
            "/FOLDER, s3://BUCKET/PATH, gs://BUCKET/PATH or az://CONTAINER/PATH"
        )
    if ".." in {*path.split("/"), *inner.split("/")}:
        raise InvalidInputError(f"source {location!r} leads up by '..'; write where it lies")
    if "links=" in location:
        raise InvalidInputError(f"source {location!r} is to follow links anywhere; leave that out")
    if _RUN.search(location):
        raise InvalidInputError(
            f"source {location!r} is a configuration, whose code is run by commands alone: voxlake "
            "ingest"
        )


def _places(outer: str, inner: str) -> set[str]:
    """Return what has to lie below the list: what is named, what a pattern begins with, the inside.

    Examples
    --------
    >>> sorted(_places("/data/em/s*.tif", ""))
    ['/data/em', '/data/em/s*.tif']
    >>> sorted(_places("s3://lab/n5", "a/b"))
    ['s3://lab/n5', 's3://lab/n5/a/b']
    """
    if not outer.startswith("/"):
        return {outer, _joined(outer, inner)}
    outer = _OPTIONS.sub("", outer)
    parts = outer.split("/")
    first = next((n for n, part in enumerate(parts) if _MAGIC.search(part)), len(parts))
    return {outer, "/".join(parts[:first]) or "/", _joined(outer, inner)}


def _joined(outer: str, inner: str) -> str:
    place, mark, options = outer.partition("?")
    return f"{place.rstrip('/')}/{inner.strip('/')}{mark}{options}" if inner else outer
