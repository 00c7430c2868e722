"""What stores say of objects."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from obstore import ObjectMeta

    from voxlake.platform.store.url import StoreURL


def etag_of_meta(meta: ObjectMeta) -> str:
    """Return the ETag of an object; of a web server that tells none, its date and size say it."""
    if (etag := meta["e_tag"]) is not None:
        # A listing of Azure leaves out the quotes.
        return etag if etag.endswith('"') else f'"{etag}"'
    return f'"{_DATED}{meta["last_modified"].timestamp():.0f}-{meta["size"]:x}"'


def is_told(etag: str) -> bool:
    """Return whether the store itself told an ETag, and knows it again."""
    return not etag.startswith(f'"{_DATED}')


def names_one_state(etag: str) -> bool:
    """Return whether no later state of its object can have this ETag.

    Dates of web servers are whole seconds, by their clock: one of just now may be of two states.

    Examples
    --------
    >>> names_one_state('"5d8c"'), names_one_state('"dated-1700000000-1f"')
    (True, True)
    """
    if is_told(etag):
        return True
    date = float(etag.removeprefix(f'"{_DATED}').partition("-")[0])
    return time.time() - date > _CLOCKS_DIFFER_S


_DATED = "dated-"
_CLOCKS_DIFFER_S = 60.0


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What the store says of an object without sending it."""

    url: StoreURL
    size: int
    """Bytes."""
    etag: str
    """Changes whenever the content is written anew."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An object's bytes and, from the same answer, its ETag."""

    body: bytes
    etag: str
