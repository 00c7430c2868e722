"""A bucket as zarr-python reads it: what is not stored of an array that is gone is not fill."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zarr.core.buffer import default_buffer_prototype
from zarr.storage import ObjectStore

from voxlake.platform.store.zarr.shards import document_of_shard, gone

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zarr.abc.store import ByteRequest
    from zarr.core.buffer import Buffer, BufferPrototype


class ZarrBucket(ObjectStore[Any]):
    """Raises ConflictError for a shard that is not stored, if the document of its array is not."""

    async def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        """Return the bytes of a key, or a range of them; None if there is none."""
        found = await super().get(key, prototype, byte_range)
        if found is None:
            await self._check(key)
        return found

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[Buffer | None]:
        """Return ranges of several keys."""
        asked = list(key_ranges)
        found = await super().get_partial_values(prototype, asked)
        for (key, _), body in zip(asked, found, strict=True):
            if body is None:
                await self._check(key)
        return found

    async def _check(self, key: str) -> None:
        document = document_of_shard(key)
        if document and await super().get(document, default_buffer_prototype()) is None:
            raise gone(key)
