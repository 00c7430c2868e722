"""Requests to files and folders of this machine, without what serves remote stores.

A listing or a range of a local file takes some microseconds of the system; obstore adds a hundred,
and follows symbolic links. A link in a folder could lead anywhere, so here it is an object that is
listed and deleted, and never read nor passed through.
"""

from __future__ import annotations

import errno
import os
import time
from contextlib import contextmanager, suppress
from stat import S_ISDIR, S_ISLNK, S_ISREG
from typing import TYPE_CHECKING

from voxlake.platform.errors import ObjectNotFoundError
from voxlake.platform.store.failures import folder_error, link_error, store_failures
from voxlake.platform.store.url import StoreURL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


def path_of(url: StoreURL) -> str:
    """Return the path of the file or folder that a local URL names."""
    root = _root_of(url)
    return f"{root}/{url.key}" if url.key else root


def open_file(url: StoreURL) -> tuple[int, os.stat_result]:
    """Open a file for reading; return its descriptor and state.

    Raises
    ------
    FileNotFoundError
        If it is none: a pipe or a device is no object.
    IsADirectoryError
        If it is a folder, which is none either.
    StoreLinkError
        If it is a symbolic link, or behind one that lies below the root of the store.
    OSError
        If it cannot be opened.
    """
    # A pipe or a device must not block a server.
    file = _open("read", url, os.O_NONBLOCK)
    state = os.fstat(file)
    if not S_ISREG(state.st_mode):
        os.close(file)
        reason = errno.EISDIR if S_ISDIR(state.st_mode) else errno.ENOENT
        raise OSError(reason, os.strerror(reason), path_of(url))
    return file, state


def check_absent(error: ObjectNotFoundError) -> None:
    """Raise CorruptDataError if an object was not found because a folder lies in its place.

    For those to whom it matters that nothing is there: a shard that is not stored is fill.
    """
    if isinstance(error.__cause__, IsADirectoryError):
        raise folder_error(error.__cause__.filename) from error


def _open(action: str, url: StoreURL, flags: int) -> int:
    """Open a file or folder that no link below the root of the store leads to."""
    path = path_of(url)
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | flags)
    except OSError:
        check_links(action, url)
        raise
    try:
        if not _is_opened_at(file, path):
            check_links(action, url)
    except BaseException:
        os.close(file)
        raise
    return file


def _is_opened_at(file: int, path: str) -> bool:
    """Return whether an open file certainly lies at `path` itself: one call, where there is one.

    The system tells where the file lies that was opened, which no link can be slipped under.
    """
    try:
        return os.readlink(f"/proc/self/fd/{file}") == path  # noqa: PTH115  as below
    except OSError:
        return False


def check_links(action: str, url: StoreURL, keys: Iterable[str] = ("",)) -> None:
    """Raise StoreLinkError if a symbolic link is on the way to any of `keys` below `url`.

    And CorruptDataError if a folder lies where an object that one of `keys` names should. The way
    begins below the root of the store. What is not there is no link.
    """
    seen: set[str] = set()
    for key in keys:
        path, mode = _root_of(url), 0
        for part in f"{url.key}/{key}".split("/"):
            path = f"{path}/{part}" if part else path
            if path in seen:
                continue
            seen.add(path)
            mode = _mode_of(path) if part else 0
            if S_ISLNK(mode):
                raise link_error(action, url / key, path)
        if key and S_ISDIR(mode):
            raise folder_error(path)


def list_folder(url: StoreURL) -> tuple[list[str], list[str]]:
    """Return the names in a folder, sorted: (folders, files); none if the folder is not there.

    A symbolic link counts as a file.

    Raises
    ------
    ObjectNotFoundError
        If the root of the store is not there.
    StoreLinkError
        If the folder is behind a symbolic link.
    """
    folders: list[str] = []
    files: list[str] = []
    with _entries(url) as entries:
        for entry in entries:
            (folders if entry.is_dir(follow_symlinks=False) else files).append(entry.name)
    return sorted(folders), sorted(files)


def list_links(url: StoreURL) -> list[str]:
    """Return the names of the symbolic links in a folder, sorted; as `list_folder`."""
    with _entries(url) as entries:
        return sorted(entry.name for entry in entries if entry.is_symlink())


def walk_files(url: StoreURL) -> Iterator[tuple[str, os.stat_result]]:
    """Yield key and state of every file and symbolic link below a folder; as `list_folder`."""
    folders = []
    with _entries(url) as entries:
        for entry in entries:
            key = f"{url.key}/{entry.name}" if url.key else entry.name
            if entry.is_dir(follow_symlinks=False):
                folders.append(key)
                continue
            with suppress(FileNotFoundError):
                state = entry.stat(follow_symlinks=False)
                if S_ISREG(state.st_mode) or S_ISLNK(state.st_mode):
                    yield key, state
    for key in folders:
        yield from walk_files(StoreURL(url.scheme, url.root, key))


def last_file(url: StoreURL, is_wanted: Callable[[str], object]) -> tuple[str, str] | None:
    """Return name and ETag of the file in a folder that is wanted and last by name."""
    with _opened_folder(url) as folder:
        # Pathlib takes three times as long as the system.
        names = [] if folder is None else os.listdir(folder)  # noqa: PTH208
        for name in sorted(names, reverse=True):
            if is_wanted(name) and (found := _state_of_file(name, folder)):
                return name, etag_of_file(found)
    return None


@contextmanager
def _entries(url: StoreURL) -> Iterator[Iterator[os.DirEntry[str]]]:
    """List a folder for the length of a ``with`` block."""
    with _opened_folder(url) as folder:
        if folder is None:
            yield iter(())
            return
        with os.scandir(folder) as entries:
            yield entries


@contextmanager
def _opened_folder(url: StoreURL) -> Iterator[int | None]:
    """Open a folder for the length of a ``with`` block; None if it is not there."""
    with store_failures("list", url):
        folder = _open_folder(url)
        try:
            yield folder
        finally:
            if folder is not None:
                os.close(folder)


def _open_folder(url: StoreURL) -> int | None:
    try:
        return _open("list", url, os.O_DIRECTORY)
    except (FileNotFoundError, NotADirectoryError):
        root = _root_of(url)
        if not os.path.isdir(root):  # noqa: PTH112  as below
            raise ObjectNotFoundError(
                f"folder {root} is not there; check its name, or make it"
            ) from None
        return None


def etag_of_file(found: os.stat_result) -> str:
    """Return the ETag that obstore gives to a file: inode, microseconds and size."""
    return f'"{found.st_ino:x}-{found.st_mtime_ns // 1000:x}-{found.st_size:x}"'


_SETTLED_NS = 100_000_000
"""More than any tick of the clock that file systems take times from."""


def is_settled(found: os.stat_result) -> bool:
    """Return whether what the file is replaced by cannot have its ETag, by chance.

    A new file may get the number of one that was deleted, and one that is written within the same
    tick of the clock the same time. A file that was seen after that tick keeps its number until
    then.
    """
    return time.time_ns() - found.st_mtime_ns > _SETTLED_NS


def _state_of_file(name: str, folder: int | None) -> os.stat_result | None:
    """Return the state of a file; None if it is none, or was deleted since it was listed."""
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    return found if S_ISREG(found.st_mode) else None


def _mode_of(path: str) -> int:
    """Return what lies at a path, no link followed; 0 if nothing does."""
    try:
        return os.lstat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return 0


def _root_of(url: StoreURL) -> str:
    return url.root if url.scheme == "file" else str(url.folder)
