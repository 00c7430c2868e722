"""Heads of chunks that blosc compressed: what they inflate to is known before they are decoded.

Blosc makes room for what the head of a chunk promises, before it looks at the rest: a few bytes can
ask for gigabytes. Other decoders stop at the size of a chunk. A head has 16 bytes; those from 4 to
8 are the size of what was compressed, little-endian:
https://github.com/Blosc/c-blosc/blob/main/README_CHUNK_FORMAT.rst
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import tensorstore as ts

from voxlake.ngff.grid.box import cell_box, grid_shape
from voxlake.platform.deadline import wait_for
from voxlake.platform.errors import CorruptDataError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from voxlake.ngff.grid.box import Box, Cell
    from voxlake.ngff.volume import Volume

HEAD_BYTES = 16
_CRC_BYTES = 4
_BESIDE = {"transpose", "bytes", "blosc", "crc32c"}
"""Codecs beside which the head of a chunk is the first that is stored of it."""


def check_head(head: bytes, chunk_bytes: int, what: str) -> None:
    """Raise CorruptDataError if a chunk inflates to more than the bytes of a chunk.

    Examples
    --------
    >>> check_head(bytes.fromhex("02013301 00000080 00000080 10000000"), 64, "chunk 0")
    Traceback (most recent call last):
    voxlake.platform.errors.CorruptDataError: chunk 0 is damaged: it claims ... restore it
    """
    claimed = int.from_bytes(head[4:8], "little")
    if claimed > chunk_bytes:
        raise CorruptDataError(
            f"{what} is damaged: it claims {claimed} bytes and a chunk has {chunk_bytes}; "
            "restore it"
        )


@dataclass(frozen=True, slots=True)
class Head:
    """The head of one chunk, asked for."""

    answer: ts.Future[ts.KvStore.ReadResult]
    chunk_bytes: int
    what: str

    def wait(self) -> None:
        """Wait for the answer, and check it."""
        self.check(wait_for(self.answer))

    def check(self, stored: ts.KvStore.ReadResult) -> None:
        """Check what was answered; a chunk that is not stored has no head."""
        if stored.state == "value":
            check_head(bytes(stored.value), self.chunk_bytes, self.what)


@dataclass(frozen=True, slots=True)
class BloscChunks:
    """The chunks of an array that blosc compressed."""

    volume: Volume
    kvstore: dict[str, Any]
    """TensorStore's spec of where the objects of the array are read."""
    context: ts.Context
    sharding: Mapping[str, Any] | None
    """How shards are coded; None if a chunk is an object."""

    @classmethod
    def of(cls, volume: Volume, kvstore: dict[str, Any], context: ts.Context) -> BloscChunks | None:
        """Return those of `volume`; None if blosc is none of its codecs.

        Raises
        ------
        UnsupportedError
            If another codec hides the heads of chunks.
        """
        sharding, codecs = None, _codecs(volume.metadata)
        if "blosc" not in _names(codecs):
            return None
        if len(codecs) == 1 and codecs[0]["name"] == "sharding_indexed":
            sharding = codecs[0]["configuration"]
            codecs = sharding["codecs"]
        names = [codec["name"] for codec in codecs]
        if not set(names) <= _BESIDE or names.count("blosc") > 1:
            raise UnsupportedError(
                f"cannot open {volume.url}: its chunks are coded by {', '.join(names)}, and beside "
                f"blosc {', '.join(sorted(_BESIDE - {'blosc'}))} are read; convert it"
            )
        return cls(volume, kvstore, context, sharding)

    @property
    def chunk_bytes(self) -> int:
        """Most bytes that a chunk inflates to: its voxels, and checksums of them."""
        return self.volume.chunk_bytes + _CRC_BYTES

    def ask(self, box: Box) -> list[Head]:
        """Ask for the heads of all chunks that `box` touches."""
        if self.sharding is not None:
            cells = box.cells(self.volume.shard)
            return [head for cell in cells for head in self._in_shard(cell, box, self.sharding)]
        opened = self._open(self.kvstore)
        return [
            self._head(opened, self.volume.shard_key(cell), str(self.volume.shard_url(cell)))
            for cell in box.cells(self.volume.chunk)
        ]

    def _in_shard(self, cell: Cell, box: Box, sharding: Mapping[str, Any]) -> Iterator[Head]:
        volume, whole = self.volume, cell_box(cell, self.volume.shard)
        key = self.kvstore.get("path", "") + volume.shard_key(cell)
        opened = self._open(
            {
                "driver": "zarr3_sharding_indexed",
                "base": self.kvstore | {"path": key},
                "grid_shape": grid_shape(volume.shard, volume.chunk),
                "index_codecs": sharding["index_codecs"],
                "index_location": sharding["index_location"],
            }
        )
        for inner in (box & whole).within(whole).cells(volume.chunk):
            place = struct.pack(f">{len(inner)}I", *inner)
            yield self._head(opened, place, f"chunk {inner} of {volume.shard_url(cell)}")

    def _open(self, spec: dict[str, Any]) -> ts.KvStore:
        return ts.KvStore.open(spec, context=self.context).result()

    def _head(self, opened: ts.KvStore, key: str | bytes, what: str) -> Head:
        answer = opened.read(key, byte_range=slice(0, HEAD_BYTES))
        return Head(answer, self.chunk_bytes, what)


def _codecs(metadata: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    if metadata.get("zarr_format") == 2:
        return [{"name": (metadata.get("compressor") or {"id": "raw"})["id"]}]
    codecs: Sequence[Mapping[str, Any]] = metadata.get("codecs", [])
    return codecs


def _names(codecs: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for codec in codecs:
        yield codec["name"]
        yield from _names(codec.get("configuration", {}).get("codecs", ()))
