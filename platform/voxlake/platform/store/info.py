"""What stores say of objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from obstore import ObjectMeta

    from voxlake.platform.store.url import StoreURL


def etag_of_meta(meta: ObjectMeta) -> str:
    """Return the ETag of an object; of a web server that tells none, its date and size say it."""
    if meta["e_tag"] is not None:
        return meta["e_tag"]
    return f'"{_DATED}{meta["last_modified"].timestamp():.0f}-{meta["size"]:x}"'


def is_told(etag: str) -> bool:
    """Return whether the store itself told an ETag, and knows it again."""
    return not etag.startswith(f'"{_DATED}')


_DATED = "dated-"


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
