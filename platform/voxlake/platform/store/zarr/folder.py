"""A folder as zarr-python reads it, without the symbolic links in it.

What is not stored of an array that is gone is not fill.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zarr.storage import LocalStore

from voxlake.platform.store.local.files import check_links
from voxlake.platform.store.url import StoreURL
from voxlake.platform.store.zarr.shards import document_of_shard, gone

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zarr.abc.store import ByteRequest
    from zarr.core.buffer import Buffer, BufferPrototype


class ZarrFolder(LocalStore):
    """Raises StoreLinkError for what lies behind a symbolic link below its root.

    And ConflictError for a shard that is not stored, if the document of its array is not.
    """

    def _check(self, *keys: str) -> None:
        check_links("read", StoreURL("file", str(self.root)), keys)

    def _found(self, key: str, body: Buffer | None) -> Buffer | None:
        document = None if body is not None else document_of_shard(key)
        if document and not (self.root / document).exists():
            raise gone(str(self.root / key))
        return body

    def get_sync(
        self,
        key: str,
        *,
        prototype: BufferPrototype | None = None,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        """Return the bytes of a key, or a range of them; None if there is none."""
        self._check(key)
        found = super().get_sync(key, prototype=prototype, byte_range=byte_range)
        return self._found(key, found)

    async def get(
        self,
        key: str,
        prototype: BufferPrototype | None = None,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        """Return the bytes of a key, or a range of them; None if there is none."""
        self._check(key)
        return self._found(key, await super().get(key, prototype, byte_range))

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[Buffer | None]:
        """Return ranges of several keys."""
        asked = list(key_ranges)
        self._check(*(key for key, _ in asked))
        found = await super().get_partial_values(prototype, asked)
        return [self._found(key, body) for (key, _), body in zip(asked, found, strict=True)]
