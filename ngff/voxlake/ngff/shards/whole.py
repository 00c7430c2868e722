"""Whole shards: read with the ETag of the very bytes that were decoded, written in one piece."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorstore as ts

from voxlake.ngff.codecs.blosc_heads import BloscChunks
from voxlake.ngff.pending import explain
from voxlake.ngff.shards.coded import coded_shard
from voxlake.ngff.shards.format import find_shard_format
from voxlake.ngff.shards.storing import always, clear_shard, turn_to_store
from voxlake.ngff.time_point import TimePoint
from voxlake.platform import store
from voxlake.platform.errors import InvalidInputError

if TYPE_CHECKING:
    import numpy.typing as npt

    from voxlake.ngff.volume import Volume

_MEMORY: dict[str, Any] = {"driver": "memory"}


def read_shard(volume: Volume, cell: tuple[int, ...]) -> tuple[npt.NDArray[Any], str | None]:
    """Return the voxels of a shard, clipped to the volume, and the ETag of its object.

    The ETag is None, and every voxel the fill value, where no object is stored.

    Raises
    ------
    CorruptDataError
        If the object does not decode: a flipped bit, a truncation.
    StoreError
        If the store fails; never taken for "not stored".
    ConflictError
        If the array is being deleted.
    """
    stored = store.read_if_there(volume.shard_url(cell))
    if stored is None:
        volume.check_there()
        return np.full(volume.shard_box(cell).shape, volume.fill, volume.dtype), None
    return decode_shard(volume, cell, stored.body), stored.etag


def decode_shard(volume: Volume, cell: tuple[int, ...], body: bytes) -> npt.NDArray[Any]:
    """Return the voxels of a shard, clipped to the volume, given the bytes of its object.

    Raises
    ------
    CorruptDataError
        If they do not decode.
    """
    if isinstance(volume, TimePoint):
        voxels: npt.NDArray[Any] = decode_shard(volume.whole, (volume.time, *cell), body)[0]
        return voxels
    box, context = volume.shard_box(cell), ts.Context()
    array, memory = _in_memory(volume, volume.shape, context)
    blosc = BloscChunks.of(volume, _MEMORY, context)
    try:
        memory.write(volume.shard_key(cell), body).result()
        for head in blosc.ask(box) if blosc is not None else ():
            head.wait()
        return array[box.slices].read(order="C").result()
    except ValueError as error:
        raise explain("read", volume.shard_url(cell), error) from error


def write_shard(
    volume: Volume, cell: tuple[int, ...], voxels: npt.NDArray[Any], known: str | None = None
) -> str | None:
    """Write all voxels of a shard, clipped to the volume, in one atomic write; return its ETag.

    What was stored there is not read, so a damaged shard is mended. A shard of nothing but the
    fill value is not stored, and None returned. For the one owner of the shard: writers of parts
    of it use `Volume.write`.

    Parameters
    ----------
    known
        The state that the shard must be in (see `look_at_shard`); None: whatever it is in.

    Raises
    ------
    ConflictError
        If it is in another state: others have written to it.
    """
    url, box = volume.shard_url(cell), volume.shard_box(cell)
    if voxels.shape != box.shape or voxels.dtype != volume.dtype:
        raise InvalidInputError(
            f"{voxels.dtype} voxels of shape {voxels.shape} are not the shard {box} of {volume.url}"
        )
    body = encode_shard(volume, voxels)
    if body is None:
        return clear_shard(volume, cell, known, always)
    growing = store.grow(url)
    growing.append([body])
    return growing.commit(turn=turn_to_store(volume, cell, known, always))


def encode_shard(volume: Volume, voxels: npt.NDArray[Any]) -> bytes | None:
    """Return the object of a shard of `voxels`; None if all are the fill value.

    The same voxels always give the same bytes, those that `stream_shard` writes.
    """
    coding = find_shard_format(volume)
    if coding is None:
        return _encode_by_tensorstore(volume, voxels)
    return coded_shard(coding, voxels)


def _encode_by_tensorstore(volume: Volume, voxels: npt.NDArray[Any]) -> bytes | None:
    array, memory = _in_memory(volume, voxels.shape, ts.Context())
    # Not copied first: the voxels are coded before this returns, and a shard is large.
    array.write(voxels, can_reference_source_data_indefinitely=True).result()
    found = memory.read(volume.shard_key((0,) * voxels.ndim)).result()
    return found.value if found.state == "value" else None


def _in_memory(
    volume: Volume, shape: tuple[int, ...], context: ts.Context
) -> tuple[ts.TensorStore, ts.KvStore]:
    """Return an array that codes as the volume does, and the memory it lies in."""
    spec = {
        "driver": "zarr3" if volume.zarr_format == 3 else "zarr",
        "kvstore": _MEMORY,
        "metadata": {**volume.metadata, "shape": list(shape)},
    }
    array = ts.open(spec, create=True, context=context).result()
    return array, ts.KvStore.open(_MEMORY, context=context).result()
