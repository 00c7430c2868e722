"""Trust: a sidecar counts only for the very bytes of the shard that it was found in."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import astuple, dataclass, replace
from functools import partial, reduce
from operator import add
from typing import TYPE_CHECKING

from voxlake.ngff.labels.scan.rows import NOTHING, check_labels
from voxlake.ngff.labels.sidecars.patch import is_patch_of, patched, read_patch
from voxlake.ngff.labels.sidecars.sidecar import (
    Origin,
    Sidecar,
    content_of,
    decode,
    encode,
    origin_of,
    sidecar_url,
)
from voxlake.ngff.memory.cache import Cached
from voxlake.ngff.shards.storing import state_of_shard
from voxlake.platform import store
from voxlake.platform.errors import (
    ConflictError,
    CorruptDataError,
    LimitExceededError,
    StoreError,
)
from voxlake.platform.parallel import in_parallel

if TYPE_CHECKING:
    from voxlake.ngff.grid.box import Cell
    from voxlake.ngff.labels.handle import Labels
    from voxlake.ngff.labels.scan.rows import Rows
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL

_copies = Cached[bool]("shards that were copied")
_COPY_BYTES = 400
"""Memory that one takes, roughly."""

MOST_ASKED = 1 << 15
"""Shards that are asked for one by one where they are not listed."""


def shard_etag(volume: Volume, cell: Cell) -> str | None:
    """Return the ETag of the shard at `cell` as it is now; None if nothing is stored.

    Raises
    ------
    ConflictError
        If the array is being deleted.
    """
    etag = state_of_shard(volume, cell)
    if not etag:
        volume.check_there()
    return etag or None


def stored_shards(volume: Volume) -> dict[Cell, str]:
    """Return cell and ETag of every stored shard, in C order, found by listing.

    Objects that are no shard of the volume are left out: metadata, what a larger volume left. On
    the web, which lists nothing, each is asked for.

    Raises
    ------
    ConflictError
        If the array is being deleted.
    LimitExceededError
        If it is on the web and would have more than `MOST_ASKED` shards.
    """
    if not volume.url.is_listed:
        return _asked_shards(volume)
    first, stored = len(volume.url.key) + 1 if volume.url.key else 0, {}
    for info in store.walk(volume.shards_url):
        cell = volume.cell_of(info.url.key[first:])
        if cell is not None:
            stored[cell] = info.etag
    volume.check_there()
    return dict(sorted(stored.items()))


def _asked_shards(volume: Volume) -> dict[Cell, str]:
    if math.prod(volume.grid) > MOST_ASKED:
        raise LimitExceededError(
            f"{volume.url} is on the web, which lists nothing, and may have {volume.grid} shards, "
            f"of which {MOST_ASKED} at most are asked for; build its index first: voxlake index"
        )
    cells = list(volume.box.cells(volume.shard))
    etags = in_parallel(partial(state_of_shard, volume), cells)
    return {cell: etag for cell, etag in zip(cells, etags, strict=True) if etag}


def read_sidecar(index_url: StoreURL, cell: Cell) -> Sidecar | None:
    """Return the sidecar of the shard at `cell`; None if there is none."""
    stored = store.read_if_there(sidecar_url(index_url, cell))
    return decode(stored.body) if stored else None


def known_rows(volume: Volume, index_url: StoreURL, cell: Cell) -> tuple[Rows, str] | None:
    """Return rows and ETag of a shard as it is now, by its sidecar; None if voxels must be asked.

    Both are empty if nothing is stored.
    """
    etag = shard_etag(volume, cell)
    if etag is None:
        return NOTHING, ""
    rows = trusted_rows(volume, index_url, cell, etag)
    return None if rows is None else (rows, etag)


def trusted_rows(volume: Volume, index_url: StoreURL, cell: Cell, etag: str) -> Rows | None:
    """Return the rows of the shard at `cell` as of `etag`; None if the voxels must be asked.

    That is so if the sidecar is missing, damaged, or of another state, place or geometry.
    """
    sidecar = trusted_sidecar(volume, index_url, cell, etag)
    return None if sidecar is None else sidecar.rows


def trusted_sidecar(volume: Volume, index_url: StoreURL, cell: Cell, etag: str) -> Sidecar | None:
    """Return the sidecar of the shard at `cell` as of `etag`; None as of `trusted_rows`.

    It is trusted if it was made of that very object, or of one with the same bytes: a lake that
    was copied keeps its index. A copied shard is read once, and not decoded; then the sidecar is
    written anew with the copy's ETag, unless the lake can only be read.
    """
    url = sidecar_url(index_url, cell)
    stored = store.read_if_there(url)
    try:
        sidecar = decode(stored.body) if stored else None
    except CorruptDataError:
        return None
    if stored is None or sidecar is None or is_of(sidecar.origin, volume, cell, etag):
        return sidecar
    patch = read_patch(index_url, cell)
    if patch is not None and is_patch_of(patch, sidecar.origin.etag, etag):
        return patched(sidecar, patch)

    def look() -> bool:
        shard = store.read_if_there(volume.shard_url(cell))
        if shard is None or shard.etag != etag:
            return False
        if not is_of_bytes(sidecar.origin, volume, cell, shard.body):
            return False
        bound = replace(sidecar, origin=_of_copy(sidecar.origin, etag))
        with suppress(StoreError, ConflictError):
            store.replace(url, encode(bound), stored.etag)
        return True

    key = volume.shard_url(cell), etag, sidecar.origin
    return sidecar if _copies.get(key, look, lambda _: _COPY_BYTES) else None


def is_of(origin: Origin, volume: Volume, cell: Cell, etag: str) -> bool:
    """Return whether a sidecar of that origin tells of the shard at `cell` as of `etag`."""
    return origin == origin_of(volume, cell, etag, origin.content, origin.first_etag)


def is_of_bytes(origin: Origin, volume: Volume, cell: Cell, body: bytes) -> bool:
    """Return whether a sidecar of that origin tells of the shard at `cell` if that is `body`."""
    is_placed = is_of(origin, volume, cell, origin.etag)
    return is_placed and origin.content == content_of(body)


def _of_copy(origin: Origin, etag: str) -> Origin:
    first = origin.first_etag or origin.etag
    return origin.model_copy(update={"etag": etag, "first_etag": first})


@dataclass(frozen=True, slots=True)
class IndexStatus:
    """State of the index: `shards` is the sum of `indexed`, `stale` and `missing`."""

    shards: int
    """Shards that are stored."""
    indexed: int
    """Of these, those whose sidecar is true of their present bytes."""
    stale: int
    """Those whose sidecar is out of date or damaged."""
    missing: int
    """Those without a sidecar."""
    rows: int
    """Rows of the sidecars that can be trusted."""
    bytes: int
    """Their size on the store."""

    def __add__(self, other: IndexStatus) -> IndexStatus:
        """Return that of both."""
        return IndexStatus(*map(add, astuple(self), astuple(other)))


def index_status(labels: Labels) -> IndexStatus:
    """Compare every sidecar with the shard it belongs to, without reading voxels; at all times.

    Sidecars of shards that are no longer stored are never used, and not counted.
    """
    return reduce(add, map(_status_of, labels.each_time()))


def _status_of(labels: Labels) -> IndexStatus:
    volume, index_url = labels.volume, labels.index_url
    check_labels(volume)
    shards = stored_shards(volume)
    sizes = {info.url.key: info.size for info in store.walk(index_url / "shards")}
    present = {
        cell: sizes[key] for cell in shards if (key := sidecar_url(index_url, cell).key) in sizes
    }

    def ask(cell: tuple[int, ...]) -> int | None:
        rows = trusted_rows(volume, index_url, cell, shards[cell])
        return None if rows is None else len(rows)

    rows = dict(zip(present, in_parallel(ask, present), strict=True))
    trusted = {cell: count for cell, count in rows.items() if count is not None}
    return IndexStatus(
        shards=len(shards),
        indexed=len(trusted),
        stale=len(present) - len(trusted),
        missing=len(shards) - len(present),
        rows=sum(trusted.values()),
        bytes=sum(present[cell] for cell in trusted),
    )
