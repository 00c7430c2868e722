"""Covers: the shards that a segment speaks for, and the state that each of them had.

``runs/<ulid>.cover.parquet`` with the columns ``shard`` uint64, ascending, and ``etag`` string,
empty for a shard of which nothing was stored. Beside the manifest, because a million ETags are
45 MB, and a look-up of a label needs only those of segments that are newer than others.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from voxlake.ngff.columns import arrow_column, numpy_column
from voxlake.ngff.labels.segments.manifest import REBUILD
from voxlake.ngff.memory.cache import Cached
from voxlake.ngff.versioned.checked_table import encode_table, read_table
from voxlake.platform import store
from voxlake.platform.errors import CorruptDataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy.typing as npt

    from voxlake.ngff.labels.segments.manifest import Segment
    from voxlake.platform.store import StoreURL

_FIELDS: list[pa.Field[Any]] = [
    pa.field("shard", pa.uint64(), nullable=False),
    pa.field("etag", pa.string(), nullable=False),
]
_SCHEMA = pa.schema(_FIELDS)
_ENCODINGS = {"shard": "DELTA_BINARY_PACKED", "etag": "DELTA_BYTE_ARRAY"}


@dataclass(frozen=True, slots=True, eq=False)
class Cover:
    """Shards, ascending and each once, with the ETag of each."""

    shards: npt.NDArray[np.uint64]
    """(n,) C-order numbers in the write grid."""
    etags: tuple[str, ...]
    """(n,) ETags; empty where nothing was stored."""


_covers = Cached[Cover]("covers of label rows")


def cover_url(index_url: StoreURL, ulid: str) -> StoreURL:
    """Return the address of the cover of a segment."""
    return index_url / "runs" / f"{ulid}.cover.parquet"


def cover_of(etags: Mapping[int, str]) -> Cover:
    """Return the cover of shards, given the ETag of each by its number."""
    shards = sorted(etags)
    return Cover(np.array(shards, np.uint64), tuple(etags[shard] for shard in shards))


def newest_etags(covers: Iterable[Cover]) -> dict[int, str]:
    """Return the ETag of each shard by its number, given covers from the oldest segment on."""
    etags: dict[int, str] = {}
    for cover in covers:
        etags.update(zip(cover.shards.tolist(), cover.etags, strict=True))
    return etags


def write_cover(index_url: StoreURL, ulid: str, cover: Cover) -> None:
    """Write the cover of the segment `ulid`."""
    table = pa.table(
        [arrow_column(cover.shards), pa.array(cover.etags, pa.string())], schema=_SCHEMA
    )
    body = encode_table(table, _checksum(cover), _ENCODINGS)
    store.write(cover_url(index_url, ulid), body)


def read_cover(index_url: StoreURL, segment: Segment) -> Cover:
    """Return the cover of a segment."""
    url = cover_url(index_url, segment.cover)
    return _covers.get(
        url,
        lambda: _stored(url),
        # Memory that it takes, roughly, in bytes.
        lambda cover: 100 * len(cover.etags),
    )


def check_cover(index_url: StoreURL, segment: Segment) -> None:
    """Read the cover of a segment as it is stored, whatever is kept of it.

    Raises
    ------
    CorruptDataError
        If it is damaged, or of other shards than the manifest says.
    """
    url = cover_url(index_url, segment.cover)
    count = len(_stored(url).etags)
    if count != segment.shards:
        raise CorruptDataError(f"{url} has {count} shards, not {segment.shards}; {REBUILD}")


def _stored(url: StoreURL) -> Cover:
    return read_table(url, _cover, _checksum, REBUILD)


def _cover(table: pa.Table) -> Cover:
    return Cover(numpy_column(table["shard"]), tuple(map(str, table["etag"].to_pylist())))


def _checksum(cover: Cover) -> int:
    shards = np.ascontiguousarray(cover.shards)
    return zlib.crc32("\n".join(cover.etags).encode(), zlib.crc32(shards))
