"""A zarr array whose chunks are never unpacked to more than the voxels of a chunk."""

from __future__ import annotations

import asyncio
import copy
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import zarr
from zarr.abc.codec import BytesBytesCodec
from zarr.codecs import ShardingCodec

from voxlake.compute.sources.arrays.bounded import KINDS, unpack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zarr.core.array_spec import ArraySpec
    from zarr.core.buffer import Buffer

_ITEM = 16
"""Bytes of the widest item that a filter makes of a voxel."""


def _room(voxels: int, itemsize: int) -> int:
    """Return how many bytes a chunk may have, with what is added where it is packed twice."""
    size = voxels * itemsize
    return size + size // 64 + 64


def bounded(array: zarr.Array[Any]) -> zarr.Array[Any]:
    """Return the array, decoded by codecs that stop at the size of a chunk."""
    metadata: Any = copy.copy(array.metadata)  # of version 2 or 3, which have no base in common
    if metadata.zarr_format == 2:
        itemsize = max(array.dtype.itemsize, _ITEM if metadata.filters else 0)
        most = _room(math.prod(array.chunks), itemsize)
        codecs = {
            "compressor": _bounded2(metadata.compressor, most),
            "filters": tuple(_bounded2(each, most) for each in metadata.filters or ()) or None,
        }
    else:
        codecs = {"codecs": _bounded3(metadata.codecs)}
    for name, value in codecs.items():
        object.__setattr__(metadata, name, value)
    return zarr.Array(zarr.AsyncArray(metadata, array.store_path, array.config))


def _bounded2(codec: Any, most: int) -> Any:
    return _Bounded2(codec, most) if getattr(codec, "codec_id", None) in KINDS else codec


def _bounded3(codecs: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(map(_one_bounded3, codecs))


def _one_bounded3(codec: Any) -> Any:
    if isinstance(codec, ShardingCodec):
        return replace(codec, codecs=_bounded3(codec.codecs))
    is_ours = isinstance(codec, BytesBytesCodec) and _kind(codec) in KINDS
    return _Bounded3(codec) if is_ours else codec


def _kind(codec: BytesBytesCodec) -> str:
    return str(codec.to_dict()["name"]).removeprefix("numcodecs.")


def _options(configuration: Any) -> dict[str, Any]:
    """Return those of lzma that tell how it is unpacked."""
    named = ((name, configuration.get(name)) for name in ("format", "filters"))
    return {name: value for name, value in named if value is not None}


@dataclass(frozen=True, slots=True)
class _Bounded2:
    """What zarr asks of a codec of version 2 to read."""

    codec: Any
    most: int

    @property
    def codec_id(self) -> str:
        """The name of the codec itself."""
        return str(self.codec.codec_id)

    def decode(self, buf: Any) -> bytes:
        """Return what is packed; an error if it is more than a chunk."""
        return unpack(self.codec_id, bytes(buf), self.most, **_options(self.codec.get_config()))


@dataclass(frozen=True)
class _Bounded3(BytesBytesCodec):
    """A codec of zarr, version 3."""

    codec: BytesBytesCodec
    is_fixed_size: bool = field(default=False, init=False)

    def to_dict(self) -> dict[str, Any]:
        """Return that of the codec itself."""
        return self.codec.to_dict()

    def compute_encoded_size(self, input_byte_length: int, chunk_spec: ArraySpec) -> int:
        """Return that of the codec itself."""
        return self.codec.compute_encoded_size(input_byte_length, chunk_spec)

    async def _decode_single(self, chunk_data: Buffer, chunk_spec: ArraySpec) -> Buffer:
        return await asyncio.to_thread(self._decode, chunk_data, chunk_spec)

    def _decode(self, chunk: Buffer, spec: ArraySpec) -> Buffer:
        most = _room(math.prod(spec.shape), spec.dtype.to_native_dtype().itemsize)
        options = _options(self.to_dict().get("configuration", {}))
        unpacked = unpack(_kind(self.codec), chunk.to_bytes(), most, **options)
        return spec.prototype.buffer.from_bytes(unpacked)
