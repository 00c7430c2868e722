"""The bytes of a shard: where its index lies and what it says (zarr v3, "sharding_indexed" 1.0).

`ShardFormat` is the coding that voxlake writes: inner chunks of little-endian voxels in C order,
compressed by zstd, and an index of (offset, size) pairs with a CRC-32C. Of other shards the index
alone is known here (`ShardIndex`); their voxels go through TensorStore.

Chunks lie in C order of the shard's grid, without gaps: so equal voxels are equal bytes, whoever
writes them. Readers take any order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import google_crc32c
import numpy as np

from voxlake.ngff.grid.pyramid import coarser_box
from voxlake.platform.errors import CorruptDataError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from voxlake.ngff.grid.box import Box, Cell
    from voxlake.ngff.shards.chunk_codec import Payload
    from voxlake.ngff.volume import Volume

ABSENT = 2**64 - 1
"""Offset and size of a chunk that is not stored, all fill."""

_ENTRY = 16
_CRC = 4


@dataclass(frozen=True)
class ShardIndex:
    """Where the index of the shards of one array lies, and what it says; however chunks are coded.

    It is coded ``bytes, crc32c``, as all writers do.
    """

    chunk: tuple[int, ...]
    """Voxels of an inner chunk along each axis."""
    shard: tuple[int, ...]
    """Voxels of a shard along each axis."""
    index_first: bool
    """Whether the index lies at the start of the shard, as in datasets of old; else at its end."""

    @cached_property
    def grid(self) -> tuple[int, ...]:
        """Chunks of a shard along each axis."""
        return tuple(s // c for s, c in zip(self.shard, self.chunk, strict=True))

    @cached_property
    def index_bytes(self) -> int:
        """Bytes of the index, its checksum included."""
        return math.prod(self.grid) * _ENTRY + _CRC

    def index_start(self, size: int) -> int:
        """Return where the index begins in a shard of `size` bytes."""
        return 0 if self.index_first else max(0, size - self.index_bytes)

    def index_span(self, size: int) -> tuple[int, int]:
        """Return the bytes ``[start, stop)`` of a shard of `size` bytes that its index lies in."""
        start = self.index_start(size)
        return start, min(start + self.index_bytes, size)

    def numbers(self, box: Box) -> npt.NDArray[np.intp]:
        """Return which chunks of a shard `box` touches, in C order; it counts from the shard's."""
        all_numbers = np.arange(math.prod(self.grid)).reshape(self.grid)
        return all_numbers[coarser_box(box, self.chunk).slices].ravel()

    def place(self, chunk: Cell) -> tuple[Cell, int]:
        """Return the shard that the chunk at a cell of the read grid lies in, and its number there.

        Examples
        --------
        >>> ShardIndex((4, 4, 4), (8, 8, 16), index_first=False).place((3, 2, 5))
        ((1, 1, 1), 9)
        """
        pairs = list(zip(chunk, self.grid, strict=True))
        number = 0
        for each, count in pairs:
            number = number * count + each % count
        return tuple(each // count for each, count in pairs), number

    def decode_index(self, body: bytes, size: int, what: str) -> npt.NDArray[np.uint64]:
        """Return the entries of an index; `size` is that of the whole shard, in bytes.

        Raises
        ------
        CorruptDataError
            If its checksum is wrong, or an entry points outside the shard; `what` names it.
        """
        if len(body) != self.index_bytes:
            raise CorruptDataError(
                f"{what} is damaged: it is truncated, too short to hold its index; restore it"
            )
        if _crc(body[:-_CRC]) != body[-_CRC:]:
            raise CorruptDataError(f"{what} is damaged: the checksum of its index is wrong")
        entries = np.frombuffer(body, "<u8", count=2 * math.prod(self.grid)).reshape(-1, 2)
        stored = entries[entries[:, 0] != ABSENT]
        # Compared by subtraction: the sum of two 64-bit numbers may overflow.
        if (stored[:, 1] > size).any() or (stored[:, 0] > size - stored[:, 1]).any():
            raise CorruptDataError(
                f"{what} is damaged: it is truncated, its index points past its {size} bytes"
            )
        return entries.astype(np.uint64)

    def entries_in(self, body: bytes | memoryview, what: str) -> npt.NDArray[np.uint64]:
        """Return the entries of the index of a shard, given all its bytes; as `decode_index`."""
        start, stop = self.index_span(len(body))
        return self.decode_index(bytes(body[start:stop]), len(body), what)


@dataclass(frozen=True)
class ShardFormat(ShardIndex):
    """How the shards of one array are coded, as voxlake does; chunks have 1 along all before z."""

    dtype: np.dtype[Any]
    zstd_level: int
    zstd_checksum: bool
    fill: int | float

    @cached_property
    def chunk_bytes(self) -> int:
        """Bytes of a decoded chunk."""
        return math.prod(self.chunk) * self.dtype.itemsize

    @property
    def row_bytes(self) -> int:
        """Bytes of a row of a chunk, along x."""
        return self.chunk[-1] * self.dtype.itemsize

    def placed(self, sizes: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
        """Return the entries of all chunks of a shard, of these bytes; 0: it is not stored."""
        head = np.uint64(self.index_bytes if self.index_first else 0)
        entries = np.stack([head + np.cumsum(sizes) - sizes, sizes], axis=1)
        entries[sizes == 0] = ABSENT
        return entries

    def assembled(self, payloads: Sequence[Payload | None]) -> bytes:
        """Return the object of a shard, given all its chunks in C order; None for those of fill."""
        stored = [payload for payload in payloads if payload is not None]
        sizes = np.array([len(payload) if payload else 0 for payload in payloads], np.uint64)
        index = self.encode_index(self.placed(sizes))
        return b"".join([index, *stored] if self.index_first else [*stored, index])

    def encode_index(self, entries: npt.NDArray[np.uint64]) -> bytes:
        """Return the index of `entries`, (offset, size) for each chunk in C order of the grid."""
        body = entries.astype("<u8").tobytes()
        return body + _crc(body)


def shard_format(volume: Volume) -> ShardFormat:
    """Return how the shards of `volume` are coded.

    Raises
    ------
    UnsupportedError
        If it is not the coding that voxlake writes.
    """
    coding = find_shard_format(volume)
    if coding is None:
        raise UnsupportedError(
            f"{volume.url} is not coded as voxlake does, in sharded zstd chunks; "
            "ingest it into a dataset of voxlake first"
        )
    return coding


def find_shard_format(volume: Volume) -> ShardFormat | None:
    """Return how the shards of `volume` are coded; None if not as voxlake writes."""
    index = find_shard_index(volume)
    if index is None or not is_coded_so(volume.metadata):
        return None
    inner = volume.metadata["codecs"][0]["configuration"]["codecs"]
    zstd = inner[1].get("configuration", {})
    return ShardFormat(
        index.chunk,
        index.shard,
        index.index_first,
        volume.dtype,
        int(zstd.get("level", 0)),
        bool(zstd.get("checksum", False)),
        volume.fill,
    )


def find_shard_index(volume: Volume) -> ShardIndex | None:
    """Return how the index of the shards of `volume` lies; None if it has none, or another."""
    if not _has_index(volume.metadata):
        return None
    sharding = volume.metadata["codecs"][0]["configuration"]
    first = sharding.get("index_location", "end") == "start"
    # Without the axis of time, of which chunks have 1, where a volume is one time point.
    chunk = tuple(sharding["chunk_shape"])[-len(volume.shape) :]
    return ShardIndex(chunk, volume.shard, first)


def is_coded_so(metadata: Mapping[str, Any]) -> bool:
    """Return whether an array of these metadata is coded as voxlake writes."""
    if not _has_index(metadata):
        return False
    sharding = metadata["codecs"][0]["configuration"]
    chunk, inner = sharding["chunk_shape"], sharding["codecs"]
    if len(chunk) < 3 or any(extent != 1 for extent in chunk[:-3]):
        return False
    return [codec["name"] for codec in inner] == ["bytes", "zstd"] and _is_little(inner[0])


def _has_index(metadata: Mapping[str, Any]) -> bool:
    codecs = metadata.get("codecs", [])
    if len(codecs) != 1 or codecs[0]["name"] != "sharding_indexed":
        return False
    index = codecs[0]["configuration"]["index_codecs"]
    return [codec["name"] for codec in index] == ["bytes", "crc32c"] and _is_little(index[0])


def _crc(body: bytes) -> bytes:
    return int(google_crc32c.value(body)).to_bytes(_CRC, "little")


def _is_little(codec: dict[str, Any]) -> bool:
    return bool(codec.get("configuration", {}).get("endian", "little") == "little")
