"""Locations: the text that names a source."""

from __future__ import annotations

import glob
import re
from pathlib import Path
from urllib.parse import parse_qsl, unquote

from voxlake.platform.errors import InvalidInputError, SourceError

FILE_SCHEME = "file://"

INNER = "::"
"""Between a file and a path inside it."""

STORES = {"s3", "gs", "az", "file", "memory"}
"""Schemes of addresses that voxlake itself has stores at."""

ZARR_MARKERS = ("zarr.json", ".zarray", ".zgroup")
"""Files of which one is in every folder that is a zarr."""


def without_file_scheme(location: str) -> str:
    """Return a ``file://`` URL as the path that it means (RFC 8089), other locations as they are.

    Raises
    ------
    InvalidInputError
        If it names another machine.

    Examples
    --------
    >>> without_file_scheme("file:///data/my%20em.raw?dtype=uint8&shape=9,9,9")
    '/data/my em.raw?dtype=uint8&shape=9,9,9'
    """
    if not location.lower().startswith(FILE_SCHEME):
        return location
    host, _, path = location[len(FILE_SCHEME) :].partition("/")
    if host not in {"", "localhost"}:
        raise InvalidInputError(
            f"source {location} names the machine {host}, whose files are not read; a path on this "
            "machine is file:///PATH, with three slashes"
        )
    path, mark, options = path.partition("?")
    return f"/{unquote(path)}{mark}{options}"


def local_path(location: str) -> Path | None:
    """Return the path that `location` names on this machine; None if it is an address.

    Examples
    --------
    >>> local_path("s3://bucket/em.zarr") is None
    True
    >>> local_path("file:///data/em")
    PosixPath('/data/em')
    """
    location = without_file_scheme(location)
    scheme, separator, _ = location.partition(":")
    if not location or "://" in location or (separator and scheme == "phantom"):
        return None
    return Path(location).expanduser()


def is_pattern(location: str) -> bool:
    """Return whether `location` is a glob, and not the name of something that is there.

    What is there may be a file with a path inside it.
    """
    path, outer = local_path(location), without_options(split_inner(location)[0])
    is_there = path is not None and (path.exists() or Path(outer).expanduser().exists())
    return path is not None and glob.has_magic(outer) and not is_there


def without_options(location: str) -> str:
    """Return `location` without ``?name=value`` at its end.

    Examples
    --------
    >>> without_options("cells.czi?scene=2")
    'cells.czi'
    >>> without_options("slices/s?.png")
    'slices/s?.png'
    """
    return re.sub(r"\?\w+=[^/]*$", "", location)


def options_of(query: str, location: str) -> dict[str, str]:
    """Return the options of a query.

    Raises
    ------
    SourceError
        If one is given twice; `location` is for the message.

    Examples
    --------
    >>> options_of("dtype=uint8&shape=2,3", "em.raw")
    {'dtype': 'uint8', 'shape': '2,3'}
    """
    pairs = parse_qsl(query, keep_blank_values=True)
    options = dict(pairs)
    if len(options) < len(pairs):
        raise SourceError(f"source {location} has an option twice; give each once")
    return options


def split_inner(location: str) -> tuple[str, str]:
    """Split ``file::path`` into the file and the path inside it (empty if there is none).

    Examples
    --------
    >>> split_inner("vol.h5::/main/raw")
    ('vol.h5', '/main/raw')
    """
    outer, _, inner = location.partition(INNER)
    return outer, inner


def absolute_location(location: str) -> str:
    """Return `location` such that it means the same in another working directory.

    Examples
    --------
    >>> absolute_location("phantom:64")
    'phantom:64'
    >>> absolute_location("/data/vol.h5::/raw")
    '/data/vol.h5::/raw'
    """
    outer, inner = split_inner(location)
    path = local_path(outer)
    if path is None:
        return location
    return str(path.absolute()) + (INNER + inner if inner else "")


def existing_file(path: Path) -> Path:
    """Return `path` if a file is there.

    Raises
    ------
    SourceError
        If there is none.
    """
    if not path.is_file():
        there = "a folder is there" if path.is_dir() else "nothing is there"
        raise SourceError(f"source {path} should be a file, but {there}; check the path")
    return path


def named_file(location: str, suffixes: tuple[str, ...]) -> Path | None:
    """Return the file at `location` if its name ends in one of `suffixes`; None of other names.

    Raises
    ------
    SourceError
        If the name does, and no file is there.
    """
    path = local_path(location)
    is_ours = path is not None and path.name.lower().endswith(suffixes)
    return existing_file(path) if path is not None and is_ours else None
