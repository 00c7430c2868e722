"""A folder as zarr-python reads it, without the symbolic links in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zarr.storage import LocalStore

from voxlake.platform.store.local import check_links
from voxlake.platform.store.url import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zarr.abc.store import ByteRequest
    from zarr.core.buffer import Buffer, BufferPrototype


class ZarrFolder(LocalStore):
    """Raises StoreLinkError for what lies behind a symbolic link below its root."""

    def _check(self, *keys: str) -> None:
        check_links("read", StoreURL("file", str(self.root)), keys)

    def get_sync(
        self,
        key: str,
        *,
        prototype: BufferPrototype | None = None,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        """Return the bytes of a key, or a range of them; None if there is none."""
        self._check(key)
        return super().get_sync(key, prototype=prototype, byte_range=byte_range)

    async def get(
        self,
        key: str,
        prototype: BufferPrototype | None = None,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        """Return the bytes of a key, or a range of them; None if there is none."""
        self._check(key)
        return await super().get(key, prototype, byte_range)

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[Buffer | None]:
        """Return ranges of several keys."""
        asked = list(key_ranges)
        self._check(*(key for key, _ in asked))
        return await super().get_partial_values(prototype, asked)
