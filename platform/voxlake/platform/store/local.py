"""Small requests to files and folders of this machine, without what serves remote stores.

A listing or a range of a local file takes some microseconds of the system; obstore adds a hundred.
"""

from __future__ import annotations

import os
from operator import attrgetter
from typing import TYPE_CHECKING

from voxlake.platform.errors import ObjectNotFoundError
from voxlake.platform.store.failures import explain
from voxlake.platform.store.info import ObjectInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from voxlake.platform.store.url import StoreURL

_NAME = attrgetter("name")


def path_of(url: StoreURL) -> str:
    """Return the path of the file or folder that a local URL names."""
    root = url.root if url.scheme == "file" else str(url.folder)
    return f"{root}/{url.key}" if url.key else root


def read_ranges_of_file(url: StoreURL, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
    """Return the bytes ``[start, stop)`` of each range, all of the same state of the file."""
    try:
        file = os.open(path_of(url), os.O_RDONLY)
        try:
            return [os.pread(file, stop - start, start) for start, stop in ranges]
        finally:
            os.close(file)
    except OSError as error:
        raise explain("read", url, error) from error


def list_folder(url: StoreURL) -> tuple[list[str], list[str]]:
    """Return the names in a folder, sorted: (folders, files); none if the folder is not there.

    Raises
    ------
    ObjectNotFoundError
        If the root of the store is not there.
    """
    entries = sorted(_entries(url), key=_NAME)
    folders = [entry.name for entry in entries if entry.is_dir()]
    return folders, [entry.name for entry in entries if not entry.is_dir()]


def last_file(url: StoreURL, is_wanted: Callable[[str], object]) -> ObjectInfo | None:
    """Return the file in a folder that is wanted and last by name; None if there is none."""
    while True:
        entries = _entries(url)
        wanted = (one for one in entries if is_wanted(one.name) and not one.is_dir())
        last = max(wanted, key=_NAME, default=None)
        if last is None:
            return None
        try:
            found = last.stat()
        except FileNotFoundError:
            continue  # Deleted since it was listed.
        except OSError as error:
            raise explain("list", url, error) from error
        return ObjectInfo(url / last.name, found.st_size, etag_of_file(found))


def etag_of_file(found: os.stat_result) -> str:
    """Return the ETag that obstore gives to a file: inode, microseconds and size."""
    return f'"{found.st_ino:x}-{found.st_mtime_ns // 1000:x}-{found.st_size:x}"'


def _entries(url: StoreURL) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(path_of(url)) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):
        _check_root(url)
        return []
    except OSError as error:
        raise explain("list", url, error) from error


def _check_root(url: StoreURL) -> None:
    if not url.folder.is_dir():
        raise ObjectNotFoundError(f"folder {url.folder} is not there; check its name, or make it")
