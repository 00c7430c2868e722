"""Small requests to files and folders of this machine, without what serves remote stores.

A listing or a range of a local file takes some microseconds of the system; obstore adds a hundred.
"""

from __future__ import annotations

import os
from stat import S_ISREG
from typing import TYPE_CHECKING

from voxlake.platform.errors import ObjectNotFoundError
from voxlake.platform.store.failures import explain

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxlake.platform.store.url import StoreURL


def path_of(url: StoreURL) -> str:
    """Return the path of the file or folder that a local URL names."""
    root = _root_of(url)
    return f"{root}/{url.key}" if url.key else root


def list_folder(url: StoreURL) -> tuple[list[str], list[str]]:
    """Return the names in a folder, sorted: (folders, files); none if the folder is not there.

    Raises
    ------
    ObjectNotFoundError
        If the root of the store is not there.
    """
    folders: list[str] = []
    files: list[str] = []
    try:
        with os.scandir(path_of(url)) as entries:
            for entry in entries:
                (folders if entry.is_dir() else files).append(entry.name)
    except (FileNotFoundError, NotADirectoryError):
        _check_root(url)
    except OSError as error:
        raise explain("list", url, error) from error
    return sorted(folders), sorted(files)


def last_file(url: StoreURL, is_wanted: Callable[[str], object]) -> tuple[str, str] | None:
    """Return name and ETag of the file in a folder that is wanted and last by name."""
    folder = path_of(url)
    try:
        # Pathlib takes three times as long as the system.
        for name in sorted(os.listdir(folder), reverse=True):  # noqa: PTH208
            if is_wanted(name) and (found := _state_of_file(f"{folder}/{name}")):
                return name, etag_of_file(found)
    except (FileNotFoundError, NotADirectoryError):
        _check_root(url)
    except OSError as error:
        raise explain("list", url, error) from error
    return None


def etag_of_file(found: os.stat_result) -> str:
    """Return the ETag that obstore gives to a file: inode, microseconds and size."""
    return f'"{found.st_ino:x}-{found.st_mtime_ns // 1000:x}-{found.st_size:x}"'


def _state_of_file(path: str) -> os.stat_result | None:
    """Return the state of a file; None if it is none, or was deleted since it was listed."""
    try:
        found = os.stat(path)  # noqa: PTH116  as above
    except FileNotFoundError:
        return None
    return found if S_ISREG(found.st_mode) else None


def _root_of(url: StoreURL) -> str:
    return url.root if url.scheme == "file" else str(url.folder)


def _check_root(url: StoreURL) -> None:
    root = _root_of(url)
    if not os.path.isdir(root):  # noqa: PTH112  as above
        raise ObjectNotFoundError(f"folder {root} is not there; check its name, or make it")
