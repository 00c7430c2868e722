"""Whole objects: read, write atomically, create if absent, list, delete."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
from itertools import takewhile
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import obstore

from voxlake.platform.errors import (
    ConflictError,
    InvalidInputError,
    LimitExceededError,
    ObjectExistsError,
    ObjectNotFoundError,
    StoreUnavailableError,
)
from voxlake.platform.store.adapters import Obstore, as_obstore
from voxlake.platform.store.failures import store_failures
from voxlake.platform.store.info import ObjectInfo, Stored, etag_of_meta
from voxlake.platform.store.local.files import (
    check_absent,
    check_links,
    etag_of_file,
    last_file,
    list_folder,
    open_file,
    path_of,
    walk_files,
)
from voxlake.platform.store.local.partial import partial_path
from voxlake.platform.store.requests import list_level, list_pages, request
from voxlake.platform.store.url import StoreURL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from obstore import ObjectMeta, PutMode

MOST_PUT = 5000 << 20
"""Bytes of the largest object that any cloud takes in one request. S3 takes 5 GiB, Azure this:
https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
https://learn.microsoft.com/en-us/rest/api/storageservices/put-blob"""

_STAGED = re.compile(r"#\d+\Z")
"""Ending of the names of files that obstore has not made objects yet; no object has it."""

_MAKING = Lock()
"""Held while folders are made: a thread that finds one made may say so, as it is on the disk."""


def read(url: StoreURL) -> Stored:
    """Return the whole object.

    Raises
    ------
    ObjectNotFoundError
        If the store says that there is none; every other failure is a StoreError.
    """
    with store_failures("read", url):
        if url.is_local:
            return _read_file(url)
        return request(_get, _get_async, *object_of(url))


def head(url: StoreURL) -> ObjectInfo:
    """Return size and ETag of the object; raise ObjectNotFoundError if there is none.

    A 404 to HEAD has no body that would say whose it is, the store's or that of something before
    it. So a bucket is asked for the object then, whose 404 does.
    """
    try:
        return _head(url)
    except ObjectNotFoundError:
        if not url.is_bucket:
            raise
    with store_failures("read", url):
        meta = request(_get_first, _get_first_async, *object_of(url))
        return ObjectInfo(url, meta["size"], etag_of_meta(meta))


def state_of(url: StoreURL) -> str:
    """Return the ETag of the object, empty if there is none: what `replace` is to find there.

    One HEAD, whose 404 is believed: a write on that condition fails if it was not the store's. Who
    goes by absence itself asks `head`.
    """
    try:
        return _head(url).etag
    except ObjectNotFoundError:
        return ""


def read_if_there(url: StoreURL) -> Stored | None:
    """Return the whole object, as `read`; None if there is none.

    Raises
    ------
    CorruptDataError
        If a folder lies in its place.
    """
    try:
        return read(url)
    except ObjectNotFoundError as error:
        check_absent(error)
        return None


def exists(url: StoreURL) -> bool:
    """Return whether there is such an object, as `head` sees it."""
    try:
        head(url)
    except ObjectNotFoundError:
        return False
    return True


def write(url: StoreURL, body: bytes) -> str:
    """Write the object atomically, over what may be there, and return its new ETag.

    A local file is written beside its target, synced and renamed, so that a crash at any moment
    leaves the old object or the new one.
    """
    return _put(url, body, "overwrite")


def write_derived(url: StoreURL, body: bytes) -> str:
    """Write an object that can be made again as `write` does, without waiting for the disk.

    After a power cut the old object may be there, the new one, or a torn one, which its reader has
    to tell.
    """
    return _put(url, body, "overwrite", synced=False)


def create(url: StoreURL, body: bytes) -> str:
    """Write the object only if there is none, and return its ETag.

    An answer can be lost when the object is written: a store that is asked again then says that it
    is there. So what is there is read before that is believed, and the very bytes of `body` are
    taken for this call's. Where it matters who of several was first, the body says who made it.

    Raises
    ------
    ObjectExistsError
        If there is another; of any number of racing creators one succeeds.
    """
    try:
        return _put(url, body, "create")
    except (ObjectExistsError, StoreUnavailableError):
        stored = None if url.is_local else read_if_there(url)
        if stored is None or stored.body != body:
            raise
        return stored.etag


def replace(url: StoreURL, body: bytes, known: str) -> str:
    """Write the object if its ETag is `known`, empty if there is none; return its new ETag.

    Of a local file, whoever else writes to it must hold the same lock as the caller.

    Raises
    ------
    ConflictError
        If it is another.
    """
    if not url.is_local:
        return _put(url, body, put_mode(url, known))
    with store_failures("write", url):
        check_etag(url, known)
    return _put(url, body, "overwrite")


def put_mode(url: StoreURL, known: str) -> PutMode:
    """Return the condition of a PUT to an object whose ETag is `known`, empty if there is none.

    Google takes the generation of a state as one, and no ETag: one request asks which state it is
    that has this ETag.

    Raises
    ------
    ConflictError
        If none has.
    """
    if not known:
        return "create"
    if url.scheme != "gs":
        return {"e_tag": known}
    try:
        with store_failures("read", url):
            found = request(obstore.head, obstore.head_async, *object_of(url))
    except ObjectNotFoundError:
        found = None
    if found is None or etag_of_meta(found) != known:
        raise ConflictError(f"{url} has changed since it was looked at; look again")
    return {"version": found["version"]}


def check_put_size(url: StoreURL, size: int) -> None:
    """Raise LimitExceededError if an object of that size cannot be put there in one request.

    Only such a request takes a condition, so what others may write to is put by one.
    """
    if not url.is_local and size > MOST_PUT:
        raise LimitExceededError(
            f"{url} would have {size:,} bytes, and stores take {MOST_PUT:,} in one request; write "
            "it in smaller shards"
        )


def check_etag(url: StoreURL, known: str) -> None:
    """Raise ConflictError unless the file has that ETag, or is not there if that is empty."""
    try:
        found = etag_of(url)
    except (FileNotFoundError, NotADirectoryError):
        found = ""
    if found != known:
        raise ConflictError(f"{url} has changed since it was looked at; look again")


def etag_of(url: StoreURL) -> str:
    """Return the ETag of a file that was just written."""
    return etag_of_file(os.stat(path_of(url), follow_symlinks=False))  # noqa: PTH116


def delete(url: StoreURL) -> None:
    """Delete the object; that it is not there is no error."""
    try:
        with store_failures("write", url):
            if url.is_local:
                check_links("write", parent_of(url))
                _delete_file(check_object(url).path)
                return
            request(obstore.delete, obstore.delete_async, *object_of(url))
    except ObjectNotFoundError:
        return


def delete_tree(url: StoreURL) -> None:
    """Delete every object below `url`, and the folders of a local store with them."""
    with store_failures("write", url):
        if url.is_local:
            check_links("write", url)
            if url.path.exists():
                shutil.rmtree(url.path)
                sync_folder(url.path.parent)
            return
        for batch in list_pages(url):
            keys = [meta["path"] for meta in batch]
            request(obstore.delete, obstore.delete_async, as_obstore(url), keys)


def keeps_versions(url: StoreURL) -> bool:
    """Return whether the store keeps versions of the object that are replaced or deleted."""
    if url.is_local or url.scheme == "gs":  # which numbers its states, kept or not
        return False
    try:
        with store_failures("read", url):
            return request(obstore.head, obstore.head_async, *object_of(url))["version"] is not None
    except ObjectNotFoundError:
        return False


def walk(url: StoreURL) -> Iterator[ObjectInfo]:
    """Yield every object below `url`, in no promised order."""
    with store_failures("list", url):
        if url.is_local:
            for key, state in walk_files(url):
                if not _STAGED.search(key):
                    found = StoreURL(url.scheme, url.root, key)
                    yield ObjectInfo(found, state.st_size, etag_of_file(state))
            return
        base = dataclasses.replace(url, key="")
        for batch in list_pages(url):
            for meta in batch:
                yield ObjectInfo(base / meta["path"], meta["size"], etag_of_meta(meta))


def list_children(url: StoreURL) -> tuple[list[str], list[str]]:
    """Return the names directly below `url`, sorted: (those with more below them, objects)."""
    if url.is_local:
        return list_folder(url)
    with store_failures("list", url):
        found = list_level(url)
        folders = sorted(Path(prefix).name for prefix in found["common_prefixes"])
        return folders, sorted(Path(meta["path"]).name for meta in found["objects"])


def last_object(url: StoreURL, is_wanted: Callable[[str], object]) -> tuple[str, str] | None:
    """Return name and ETag of the object directly below `url` that is wanted and last by name.

    By one listing; None if there is none.

    Parameters
    ----------
    is_wanted
        Says of a name, without what is before it, whether it is one to choose from.
    """
    if url.is_local:
        return last_file(url, is_wanted)
    with store_failures("list", url):
        found = list_level(url)
    named = {meta["path"].rpartition("/")[2]: meta for meta in found["objects"]}
    last = max(filter(is_wanted, named), default=None)
    if last is None:
        return None
    return last, etag_of_meta(named[last])


def object_of(url: StoreURL, sent_bytes: int = 0) -> tuple[Obstore, str]:
    """Return the store handle, to send so much by, and the key of one object of a remote store."""
    return as_obstore(url, sent_bytes), check_object(url).key


def check_object(url: StoreURL) -> StoreURL:
    """Return `url` if it names an object, as a file does by its path alone.

    Raises
    ------
    InvalidInputError
        If it names a store.
    """
    if not url.key and url.scheme != "file":
        raise InvalidInputError(f"{url} names a store and no object in it; add a key")
    return url


def parent_of(url: StoreURL) -> StoreURL:
    """Return the address of the folder that an object lies in; of a root, the root."""
    return dataclasses.replace(url, key=url.key.rpartition("/")[0])


def _head(url: StoreURL) -> ObjectInfo:
    with store_failures("read", url):
        if url.is_local:
            file, state = open_file(check_object(url))
            os.close(file)
            return ObjectInfo(url, state.st_size, etag_of_file(state))
        meta = request(obstore.head, obstore.head_async, *object_of(url))
        return ObjectInfo(url, meta["size"], etag_of_meta(meta))


def _get_first(store: Obstore, key: str) -> ObjectMeta:
    return obstore.get(store, key, options={"range": (0, 1)}).meta


async def _get_first_async(store: Obstore, key: str) -> ObjectMeta:
    return (await obstore.get_async(store, key, options={"range": (0, 1)})).meta


def _get(store: Obstore, key: str) -> Stored:
    answer = obstore.get(store, key)
    return Stored(bytes(answer.bytes()), etag_of_meta(answer.meta))


async def _get_async(store: Obstore, key: str) -> Stored:
    answer = await obstore.get_async(store, key)
    return Stored(bytes(await answer.bytes_async()), etag_of_meta(answer.meta))


def _put(url: StoreURL, body: bytes, mode: PutMode, *, synced: bool = True) -> str:
    with store_failures("write", url):
        if url.is_local:
            check_links("write", parent_of(check_object(url)))
            _write_file(url.path, body, replace=mode == "overwrite", synced=synced)
            return etag_of(url)
        # One PUT: parts of an upload that a crash cut off would stay on the store, unseen.
        at = object_of(url, len(body))
        answer = request(obstore.put, obstore.put_async, *at, body, mode=mode, use_multipart=False)
        return str(answer["e_tag"])


def _read_file(url: StoreURL) -> Stored:
    file, state = open_file(check_object(url))
    with os.fdopen(file, "rb") as opened:
        return Stored(opened.read(), etag_of_file(state))


def _write_file(path: Path, body: bytes, *, replace: bool, synced: bool) -> None:
    make_folder(path.parent)
    partial = partial_path(path)
    try:
        with partial.open("xb") as file:
            file.write(body)
            file.flush()
            if synced:
                os.fsync(file.fileno())
        if replace:
            partial.replace(path)
        else:
            _link(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    if synced:
        sync_folder(path.parent)


def _delete_file(path: Path) -> None:
    try:
        path.unlink()
    except (FileNotFoundError, NotADirectoryError):
        return
    sync_folder(path.parent)


def _link(partial: Path, path: Path) -> None:
    """Give the file its name, failing if that is taken: rename would overwrite."""
    try:
        os.link(partial, path)
    except FileExistsError as error:
        if path.exists() and path.samefile(partial):
            return  # A file server that did not hear its own answer was asked twice.
        raise ObjectExistsError(f"{path} is there already; another writer made it") from error


def make_folder(folder: Path) -> None:
    """Make a folder, and those that it lies in, so that their names survive a crash."""
    with _MAKING:
        missing = list(takewhile(lambda each: not each.exists(), (folder, *folder.parents)))
        for each in reversed(missing):
            each.mkdir(exist_ok=True)
            sync_folder(each.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder of this machine survive a crash."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
