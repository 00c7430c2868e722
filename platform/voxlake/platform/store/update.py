"""Change an object that others may change at the same time: compare-and-swap, then try again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import tensorstore as ts

from voxlake.platform.errors import ConflictError
from voxlake.platform.store.adapters import as_tensorstore
from voxlake.platform.store.failures import explain_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxlake.platform.store.url import StoreURL

ATTEMPTS = 50


def update(url: StoreURL, change: Callable[[bytes | None], bytes]) -> None:
    """Replace the object by `change` of its bytes (None: there is none), losing no other change.

    `change` may be called several times. TensorStore's conditional write serves folders (a lock
    file) and S3 (If-Match) alike.

    Raises
    ------
    ConflictError
        If others changed the object at every one of many attempts.
    """
    folder, name = _split(url)
    try:
        kvstore = ts.KvStore.open(as_tensorstore(folder)).result()
        for _ in range(ATTEMPTS):
            found = kvstore.read(name).result()
            before = found.value if found.state == "value" else None
            after = change(before)
            if after == before:
                return
            stamp = kvstore.write(name, after, if_equal=found.stamp.generation).result()
            if stamp.generation:
                return
    except (ValueError, OSError) as error:
        raise explain_text("write", url, error) from error
    raise ConflictError(f"{url} was changed by others {ATTEMPTS} times in a row; try again")


def _split(url: StoreURL) -> tuple[StoreURL, str]:
    folder, _, name = url.key.rpartition("/")
    return replace(url, key=folder), name
