"""What stores say of objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from voxlake.platform.store.url import StoreURL


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
