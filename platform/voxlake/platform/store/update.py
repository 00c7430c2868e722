"""Change an object that others may change at the same time."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import tensorstore as ts

from voxlake.platform.errors import ConflictError, ObjectExistsError, StoreUnavailableError
from voxlake.platform.store.adapters import as_tensorstore, is_in_tensorstore
from voxlake.platform.store.failures import explain_text, store_failures
from voxlake.platform.store.local.lock import locked
from voxlake.platform.store.objects import (
    create,
    exists,
    read,
    read_if_there,
    replace,
    write,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxlake.platform.store.url import StoreURL

    type Change = Callable[[bytes | None], bytes]

ATTEMPTS = 50


def update(url: StoreURL, change: Change) -> None:
    """Replace the object by `change` of its bytes (None: there is none), losing no other change.

    `change` may be called several times. In a bucket the write is conditional, and tried again
    where others came first; in a folder the file is locked meanwhile. If the answer to a
    write is lost, `change` sees its own outcome, which it must leave as it is.

    Raises
    ------
    ConflictError
        If others changed the object at every one of many attempts.
    """
    if url.is_local:
        attempt = _change_file
    else:
        attempt = _change_object if is_in_tensorstore(url) else _change_state
    for _ in range(ATTEMPTS):
        if attempt(url, change):
            return
    raise ConflictError(f"{url} was changed by others {ATTEMPTS} times in a row; try again")


def _change_file(url: StoreURL, change: Change) -> bool:
    if not exists(url):
        return _create_file(url, change)
    with store_failures("write", url), locked(url.path):
        before = read(url).body
        after = change(before)
        if after != before:
            write(url, after)
    return True


def _create_file(url: StoreURL, change: Change) -> bool:
    try:
        create(url, change(None))
    except ObjectExistsError:
        return False
    return True


def _change_state(url: StoreURL, change: Change) -> bool:
    """Do as `_change_object`, without TensorStore."""
    stored = read_if_there(url)
    before = None if stored is None else stored.body
    after = change(before)
    if after == before:
        return True
    try:
        replace(url, after, "" if stored is None else stored.etag)
    except ConflictError:
        return False
    except StoreUnavailableError:
        # The answer may be all that was lost.
        found = read_if_there(url)
        if found is None or found.body != after:
            raise
    return True


def _change_object(url: StoreURL, change: Change) -> bool:
    folder, _, name = url.key.rpartition("/")
    try:
        kvstore = ts.KvStore.open(as_tensorstore(dataclasses.replace(url, key=folder))).result()
        found = kvstore.read(name).result()
        before = found.value if found.state == "value" else None
        after = change(before)
        if after == before:
            return True
        stamp = kvstore.write(name, after, if_equal=found.stamp.generation).result()
    except (ValueError, OSError) as error:
        raise explain_text("write", url, error) from error
    return bool(stamp.generation)
